# cmake -Dprogram=FILE [-Darguments=LIST] [-Demulator="COMMAND ARG..."] -Dexpect=FILE
#   -Dscratch=DIR -P run-example.cmake
# Runs the program in an empty folder and compares what it prints with what is expected.
separate_arguments(command UNIX_COMMAND "${emulator}")
list(APPEND command "${program}" ${arguments})

file(REMOVE_RECURSE "${scratch}")
file(MAKE_DIRECTORY "${scratch}/work")
execute_process(COMMAND ${command}
  WORKING_DIRECTORY "${scratch}/work" OUTPUT_FILE "${scratch}/stdout" RESULT_VARIABLE rc)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files "${expect}" "${scratch}/stdout"
  RESULT_VARIABLE differs OUTPUT_QUIET ERROR_QUIET)
if(differs)
  execute_process(COMMAND diff -u "${expect}" "${scratch}/stdout")
  message(FATAL_ERROR "the output differs from ${expect} (exit status ${rc})")
elseif(NOT rc EQUAL 0)
  message(FATAL_ERROR "the output is as expected, but the exit status is ${rc}")
endif()
