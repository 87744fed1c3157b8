# What `cmake --install` puts where, and the Debian package (tools/package).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# ---- The program, its manual page, completions and documents ------------------------------------

install(TARGETS lite2pg RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(CODE "
  execute_process(COMMAND \"${CMAKE_COMMAND}\" --build \"${PROJECT_BINARY_DIR}\"
    --target shared_files COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  execute_process(COMMAND \"${CMAKE_CURRENT_BINARY_DIR}/shared_files\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\" COMMAND_ERROR_IS_FATAL ANY)"
  COMPONENT program)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT program PATTERN "decisions" EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
# Debian's name for the licence; other systems do not mind.
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR}
  RENAME copyright COMPONENT program)

# ---- The library: find_package(lite2pg), target lite2pg::engine ---------------------------------

set(lite2pg_libraries lite2pg_options lite2pg_coercion lite2pg_base lite2pg_report lite2pg_sqlite
  lite2pg_postgres lite2pg_archive lite2pg_plan lite2pg_pipeline lite2pg_verify lite2pg_command)
set_target_properties(lite2pg_command PROPERTIES EXPORT_NAME engine)
install(TARGETS ${lite2pg_libraries} EXPORT lite2pgTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(EXPORT lite2pgTargets NAMESPACE lite2pg:: COMPONENT library
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lite2pg)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/engine ${PROJECT_SOURCE_DIR}/coercion
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lite2pg COMPONENT library
  FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/engine/lite2pg.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lite2pg COMPONENT library)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/lite2pgConfig.cmake.in
  ${PROJECT_BINARY_DIR}/lite2pgConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lite2pg)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lite2pgConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lite2pgConfig.cmake
  ${PROJECT_BINARY_DIR}/lite2pgConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lite2pg COMPONENT library)

# ---- The Debian package: the program alone ------------------------------------------------------

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME lite2pg)
set(CPACK_PACKAGE_VENDOR lite2pg)
set(CPACK_PACKAGE_CONTACT "The lite2pg developers <lite2pg@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "parallel, checksum-verified copier from SQLite to PostgreSQL")
set(CPACK_PACKAGE_DESCRIPTION "Copies an SQLite database into PostgreSQL: schema, every value,
 keys, indexes and sequences; reads everything back and compares digests before it is published.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME lite2pg)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS postgresql)
set(CPACK_STRIP_FILES ON)
include(CPack)
