# weft-http: the HTTP client on libcurl, a library of its own beside the core:
#
#   weft_http           shared, with an archive beside it       weft::http, weft::http_static
#   weft_http_testing   every symbol visible; for the tests
#
# It calls the core by its public functions. What it shares with it besides, memory and a lock, knows
# nothing of tasks and has no state that must be one: the shared library has its own copy.
set(WEFT_HTTP_FOUND OFF)
if(NOT WEFT_HTTP STREQUAL "OFF")
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(WEFT_DEP_HTTP QUIET IMPORTED_TARGET GLOBAL libcurl>=7.68)
  endif()
  if(WEFT_DEP_HTTP_FOUND)
    set(WEFT_HTTP_FOUND ON)
  elseif(WEFT_HTTP STREQUAL "ON")
    message(FATAL_ERROR "weft: WEFT_HTTP=ON needs libcurl >= 7.68 and pkg-config: "
      "apt-get install -y pkg-config libcurl4-openssl-dev")
  else()
    message(STATUS "weft: no libcurl >= 7.68 by pkg-config, weft-http is left out")
  endif()
endif()

if(WEFT_HTTP_FOUND)
  add_library(weft_http_objects OBJECT ${http})
  weft_internals(weft_http_objects)
  target_compile_definitions(weft_http_objects PRIVATE WEFT_CHECK=${WEFT_CHECK})
  target_link_libraries(weft_http_objects PRIVATE PkgConfig::WEFT_DEP_HTTP)

  add_library(weft_http_static STATIC $<TARGET_OBJECTS:weft_http_objects>)
  set_target_properties(weft_http_static PROPERTIES OUTPUT_NAME weft-http EXPORT_NAME http_static)
  weft_flags(weft_http_static)
  weft_usage(weft_http_static)
  target_link_libraries(weft_http_static PUBLIC weft_static PRIVATE PkgConfig::WEFT_DEP_HTTP)
  list(APPEND WEFT_INSTALL_TARGETS weft_http_static)

  if(TARGET weft)
    add_library(weft_http SHARED $<TARGET_OBJECTS:weft_http_objects>)
    weft_flags(weft_http)
    weft_usage(weft_http)
    # In this order: what the shared core exports is its, and the archive adds what it hides.
    target_link_libraries(weft_http PUBLIC weft PRIVATE weft_static PkgConfig::WEFT_DEP_HTTP)
    target_link_options(weft_http PRIVATE ${weft_lib_link_flags} "LINKER:--version-script=${map}")
    set_target_properties(weft_http PROPERTIES
      OUTPUT_NAME weft-http EXPORT_NAME http
      LINK_DEPENDS "${map}"
      VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    list(APPEND WEFT_INSTALL_TARGETS weft_http)
    add_library(weft::http ALIAS weft_http)
  else()
    set_target_properties(weft_http_static PROPERTIES EXPORT_NAME http)
    add_library(weft::http ALIAS weft_http_static)
  endif()
  add_library(weft::http_static ALIAS weft_http_static)

  if(WEFT_TESTS)
    add_library(weft_http_testing STATIC ${http})
    weft_internals(weft_http_testing)
    weft_usage(weft_http_testing)
    target_compile_definitions(weft_http_testing PUBLIC WEFT_CHECK=3)
    target_link_libraries(weft_http_testing PUBLIC weft_testing PkgConfig::WEFT_DEP_HTTP)
    set_target_properties(weft_http_testing PROPERTIES C_VISIBILITY_PRESET default)
  endif()
  if(NOT PROJECT_IS_TOP_LEVEL)
    set_target_properties(weft_http_static PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endif()

set(WEFT_HTTP_FOUND ${WEFT_HTTP_FOUND} PARENT_SCOPE)
set(WEFT_INSTALL_TARGETS ${WEFT_INSTALL_TARGETS} PARENT_SCOPE)
