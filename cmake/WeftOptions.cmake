# Every option of the build, each with its reason. Nothing else may add one. What can be tuned
# while the program runs is a field of a struct in the API, never an option here.

# Off inside another project: its tests and examples are not ours to add to.
option(WEFT_TESTS "Build the tests (needs Check >= 0.15)" ${PROJECT_IS_TOP_LEVEL})
option(WEFT_EXAMPLES "Build the examples and run them as tests" ${PROJECT_IS_TOP_LEVEL})
# Off by default: only the people who compare figures need them.
option(WEFT_BENCH "Build the benchmarks" OFF)
# A warning is an error for the people who can fix it, not for those who only build us.
option(WEFT_WERROR "Treat compiler warnings as errors" ${PROJECT_IS_TOP_LEVEL})

function(weft_enum name default help)
  set(${name} ${default} CACHE STRING "${help}: ${ARGN}")
  set_property(CACHE ${name} PROPERTY STRINGS ${ARGN})
  if(NOT ${name} IN_LIST ARGN)
    message(FATAL_ERROR "weft: ${name} is '${${name}}', it may be one of: ${ARGN}")
  endif()
endfunction()

# The fallback exists for CPUs without an assembly file and as a second opinion in CI.
weft_enum(WEFT_CTX asm "How a context is switched" asm ucontext)
# 0 nothing, 1 cheap checks, 2 invariants of each object, 3 everything the tests want.
weft_enum(WEFT_CHECK 1 "How much the library checks itself" 0 1 2 3)
# AUTO: where libcurl is found. Nothing else needs it.
weft_enum(WEFT_HTTP AUTO "Build weft-http, the HTTP client" AUTO ON OFF)
# One at a time, since they exclude each other; address brings undefined with it.
weft_enum(WEFT_SANITIZE none "Sanitizer to build everything with" none address thread undefined)
