# The libraries. Included from lib/CMakeLists.txt, which has set the source lists:
#
#   weft          what programs link: shared with an archive beside it, or, with
#                 BUILD_SHARED_LIBS=OFF, the archive alone       weft::weft, weft::weft_static
#   weft_testing  every symbol visible, every check on; for the tests
#   weft_sim      the same sources on one thread, a seeded schedule and virtual time  weft::sim

# What a consumer, our own tests included, has to know about a library.
function(weft_usage target)
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

# What compiling lib/ needs.
function(weft_internals target)
  weft_lib_flags(${target})
  target_include_directories(${target} PRIVATE
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/lib")
  # Spelled as a source file would, which may then say it too.
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE=1)
  if(WEFT_CTX_IS_UCONTEXT)
    target_compile_definitions(${target} PRIVATE WF_CTX_UCONTEXT=1)
  endif()
endfunction()

# Compiled once, as position independent code, for the shared library and the archive.
add_library(weft_objects OBJECT ${WEFT_REAL_SOURCES})
weft_internals(weft_objects)
target_compile_definitions(weft_objects PRIVATE WEFT_CHECK=${WEFT_CHECK})

add_library(weft_static STATIC $<TARGET_OBJECTS:weft_objects>)
set_target_properties(weft_static PROPERTIES OUTPUT_NAME weft)
weft_flags(weft_static)
weft_usage(weft_static)
set(WEFT_INSTALL_TARGETS weft_static)

if(NOT DEFINED BUILD_SHARED_LIBS OR BUILD_SHARED_LIBS)
  add_library(weft SHARED $<TARGET_OBJECTS:weft_objects>)
  weft_flags(weft)
  weft_usage(weft)
  set(map "${PROJECT_SOURCE_DIR}/cmake/weft.map")
  target_link_options(weft PRIVATE ${weft_lib_link_flags} "LINKER:--version-script=${map}")
  set_target_properties(weft PROPERTIES
    LINK_DEPENDS "${map}"
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  list(PREPEND WEFT_INSTALL_TARGETS weft)
  add_library(weft::weft ALIAS weft)
else()
  set_target_properties(weft_static PROPERTIES EXPORT_NAME weft)
  add_library(weft::weft ALIAS weft_static)
endif()
add_library(weft::weft_static ALIAS weft_static)

add_library(weft_sim STATIC ${WEFT_SIM_SOURCES})
weft_internals(weft_sim)
weft_usage(weft_sim)
target_compile_definitions(weft_sim PRIVATE WF_SIM=1 WEFT_CHECK=3)
set_target_properties(weft_sim PROPERTIES EXPORT_NAME sim)
list(APPEND WEFT_INSTALL_TARGETS weft_sim)
add_library(weft::sim ALIAS weft_sim)

if(WEFT_TESTS)
  add_library(weft_testing STATIC ${WEFT_REAL_SOURCES})
  weft_internals(weft_testing)
  weft_usage(weft_testing)
  # Tests include headers of lib/, whose structs may depend on the level.
  target_compile_definitions(weft_testing PUBLIC WEFT_CHECK=3)
  set_target_properties(weft_testing PROPERTIES C_VISIBILITY_PRESET default)
endif()

# Inside another project only what it links is built.
if(NOT PROJECT_IS_TOP_LEVEL)
  set_target_properties(weft_static weft_sim PROPERTIES EXCLUDE_FROM_ALL ON)
endif()

