# Of what ctest prints with --output-on-failure, the failures alone.
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / { show = !/ Passed |\*\*\*Skipped/ }
/^ *Start +[0-9]+: / { next }
/% tests passed, / { show = 0 }
/^The following tests FAILED:/ { show = 1 }
/^No tests were found/ { print }
show && NF
