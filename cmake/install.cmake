# install: the library, its headers with the format's description, and how CMake and pkg-config find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS noria EXPORT noria-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "FORMAT*.md")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/noria)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/noria-config.cmake.in noria-config.cmake
                              INSTALL_DESTINATION ${config_dir})
# While the major version is 0, each minor version is a language of its own.
write_basic_package_version_file(noria-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT noria-targets NAMESPACE noria:: DESTINATION ${config_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/noria-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/noria-config-version.cmake
        DESTINATION ${config_dir})

# Paths relative to the .pc file itself: the installed tree may be moved. A static library leaves its own libraries to
# its user, and pkg-config asks for Requires.private only with --static, which nobody says who has no choice.
file(RELATIVE_PATH pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH pc_includedir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(BUILD_SHARED_LIBS)
    set(pc_cflags " -DNORIA_SHARED")
else()
    set(pc_requires "Requires: fmt\n")
    set(pc_libs " -pthread")
endif()
if(NORIA_ROBUST_MUTEX)
    string(APPEND pc_cflags " -DNORIA_ROBUST_MUTEX")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/noria.pc.in noria.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/noria.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
# SPDX-License-Identifier: BSL-1.0
