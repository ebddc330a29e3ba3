# The house rules as tests. Each script in cmake/lint says what it checks, prints file:line and
# the rule it broke, and can be run by hand: cmake/lint/layers .
find_program(WEFT_BASH bash)
if(NOT WEFT_BASH)
  message(STATUS "weft: no bash, the lint tests are left out")
  return()
endif()

set(lint "${PROJECT_SOURCE_DIR}/cmake/lint")
foreach(rule layers length banned tags docs sources)
  weft_script_test(NAME lint.${rule} LABELS trust
    COMMAND ${WEFT_BASH} ${lint}/${rule} ${PROJECT_SOURCE_DIR})
endforeach()

# A sanitizer adds global symbols of its own.
if(WEFT_SANITIZE STREQUAL "none")
  set(shared "")
  if(TARGET weft)
    set(shared $<TARGET_FILE:weft>)
  endif()
  weft_script_test(NAME lint.symbols LABELS trust
    COMMAND ${WEFT_BASH} ${lint}/symbols ${CMAKE_NM} $<TARGET_FILE:weft_static> ${shared})
  if(WEFT_HTTP_FOUND)
    set(shared "")
    if(TARGET weft_http)
      set(shared $<TARGET_FILE:weft_http>)
    endif()
    weft_script_test(NAME lint.symbols-http LABELS http COMMAND
      ${WEFT_BASH} ${lint}/symbols ${CMAKE_NM} $<TARGET_FILE:weft_http_static> ${shared})
  endif()
endif()

weft_script_test(NAME lint.labels LABELS trust
  COMMAND ${WEFT_BASH} ${lint}/labels ${CMAKE_CTEST_COMMAND} ${PROJECT_BINARY_DIR} ${WEFT_LABELS})
