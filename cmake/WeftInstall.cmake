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

# weft_pc(name description libs [requires requires-private]): a .pc file with paths relative to itself, also when the
# library folder is given as an absolute path.
function(weft_pc name description libs)
  set(WEFT_PC_NAME ${name})
  set(WEFT_PC_DESCRIPTION "${description}")
  set(WEFT_PC_LIBS "${libs}")
  set(WEFT_PC_REQUIRES "")
  if(ARGC GREATER 3)
    set(WEFT_PC_REQUIRES "\nRequires: ${ARGV3}\nRequires.private: ${ARGV4}")
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
if(TARGET weft_http)
  weft_pc(weft-http "HTTP client of weft, on libcurl" "-lweft-http" "weft" "libcurl >= 7.68")
elseif(WEFT_HTTP_FOUND)
  weft_pc(weft-http "HTTP client of weft, on libcurl" "-lweft-http" "weft, libcurl >= 7.68" "")
endif()
