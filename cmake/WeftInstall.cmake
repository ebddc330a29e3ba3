# What `cmake --install` puts where. Components: runtime (the shared library), dev (the rest).
include(CMakePackageConfigHelpers)

install(TARGETS ${WEFT_INSTALL_TARGETS} EXPORT weft-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
set(left_out "")
if(NOT WEFT_HTTP_FOUND)
  set(left_out PATTERN "http*.h" EXCLUDE)
endif()
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev
  FILES_MATCHING PATTERN "*.h" ${left_out})

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/weft")
install(EXPORT weft-targets NAMESPACE weft:: DESTINATION ${package_dir} COMPONENT dev)
configure_package_config_file(cmake/weft-config.cmake.in
  "${PROJECT_BINARY_DIR}/weft-config.cmake" INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/weft-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/weft-config.cmake" "${PROJECT_BINARY_DIR}/weft-config-version.cmake"
  DESTINATION ${package_dir} COMPONENT dev)

# weft_pc(name description libs [requires libs-private]): a .pc file with paths relative to itself, also
# when the library folder is given as an absolute path.
function(weft_pc name description libs)
  set(WEFT_PC_NAME ${name})
  set(WEFT_PC_DESCRIPTION "${description}")
  set(WEFT_PC_LIBS "${libs}")
  set(WEFT_PC_REQUIRES "")
  set(WEFT_PC_LIBS_PRIVATE "-pthread")
  if(ARGC GREATER 3)
    set(WEFT_PC_REQUIRES "\nRequires: ${ARGV3}")
    string(STRIP "${ARGV4} -pthread" WEFT_PC_LIBS_PRIVATE)
  endif()
  set(pc_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
  file(RELATIVE_PATH WEFT_PC_PREFIX "${pc_dir}" "${CMAKE_INSTALL_PREFIX}")
  string(REGEX REPLACE "/$" "" WEFT_PC_PREFIX "${WEFT_PC_PREFIX}")
  file(RELATIVE_PATH WEFT_PC_LIBDIR "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
  file(RELATIVE_PATH WEFT_PC_INCLUDEDIR
    "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
  configure_file(cmake/weft.pc.in "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc"
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
endfunction()

# An archive alone has no one to name what it needs, so a plain --libs must.
if(TARGET weft)
  weft_pc(weft "${PROJECT_DESCRIPTION}" "-lweft")
else()
  weft_pc(weft "${PROJECT_DESCRIPTION}" "-lweft -pthread")
endif()
weft_pc(weft-sim "weft on one thread, with a seeded schedule and virtual time, for tests"
  "-lweft_sim -pthread")

# libcurl is always the shared one, and named by its name: a Requires.private would bring whatever its
# archive needs along, of which Debian has no archive (GSSAPI), and headers that no header of ours wants.
if(WEFT_HTTP_FOUND)
  set(curl "")
  foreach(folder IN LISTS WEFT_DEP_HTTP_LIBRARY_DIRS)
    string(APPEND curl "-L${folder} ")
  endforeach()
  string(APPEND curl "-lcurl")
  set(description "HTTP client of weft, on libcurl")
  if(TARGET weft_http)
    weft_pc(weft-http "${description}" "-lweft-http" "weft" "${curl}")
  else()
    weft_pc(weft-http "${description}" "-lweft-http ${curl}" "weft" "")
  endif()
endif()
