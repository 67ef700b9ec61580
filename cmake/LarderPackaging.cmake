# cmake/LarderPackaging.cmake -- what `cmake --install` puts where, and the Debian packages that `cpack` makes of it.
#
# Four parts, each a package: larder (the program, its configuration, policies, unit, manual page, completions), larder-plugins,
# liblarder, liblarder-dev (headers, CMake, pkg-config, templates are in the program). A program looks for its plugins beside
# itself, ../lib/.../larder/plugins-1, so a tree that is installed anywhere works from there.
include(GNUInstallDirs)
set(share ${CMAKE_INSTALL_DATADIR}/larder)
install(DIRECTORY conf policies DESTINATION ${share} COMPONENT larder PATTERN "larder.service" EXCLUDE)
install(FILES conf/larder.service DESTINATION lib/systemd/system COMPONENT larder)
install(FILES README.md LICENSE docs/changelog.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT larder)

# Made by the program itself, of what its verbs say of themselves.
set(made ${PROJECT_BINARY_DIR}/installed)
install(CODE "
  file(MAKE_DIRECTORY \"${made}\")
  execute_process(COMMAND \"${LARDER_BIN}/larder\" man OUTPUT_FILE \"${made}/larder.1\" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9nf \"${made}/larder.1\" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND \"${LARDER_BIN}/larder\" completion bash OUTPUT_FILE \"${made}/larder\" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND \"${LARDER_BIN}/larder\" completion zsh OUTPUT_FILE \"${made}/_larder\" COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND \"${LARDER_BIN}/larder\" completion fish OUTPUT_FILE \"${made}/larder.fish\" COMMAND_ERROR_IS_FATAL ANY)"
  COMPONENT larder)
install(FILES ${made}/larder.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT larder)
install(FILES ${made}/larder DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT larder)
install(FILES ${made}/_larder DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT larder)
install(FILES ${made}/larder.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT larder)

# pkg-config for Makefiles: pkg-config --cflags larder-plugin; --variable=mapfile and --variable=plugindir.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/larder-plugin.pc @ONLY CONTENT [[
prefix=${pcfiledir}/@up@
mapfile=${pcfiledir}/../cmake/larder/larder-plugin.map
plugindir=${pcfiledir}/../larder/plugins-1

Name: larder-plugin
Description: Headers and version script for plugins of larder
Version: @PROJECT_VERSION@
Cflags: -I${prefix}/@CMAKE_INSTALL_INCLUDEDIR@
]])
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/larder.pc @ONLY CONTENT [[
prefix=${pcfiledir}/@up@

Name: larder
Description: liblarder, the cache in a host's own process
Version: @PROJECT_VERSION@
Cflags: -I${prefix}/@CMAKE_INSTALL_INCLUDEDIR@
Libs: -L${pcfiledir}/.. -llarder
]])
install(FILES ${PROJECT_BINARY_DIR}/larder-plugin.pc ${PROJECT_BINARY_DIR}/larder.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME larder)
set(CPACK_PACKAGE_VENDOR larder)
set(CPACK_PACKAGE_CONTACT "larder <larder@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL larder plugins liblarder dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${LARDER_BIN}/lib)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_LARDER_PACKAGE_NAME larder)
set(CPACK_DEBIAN_LARDER_PACKAGE_RECOMMENDS larder-plugins)
set(CPACK_DEBIAN_PLUGINS_PACKAGE_NAME larder-plugins)
set(CPACK_DEBIAN_LIBLARDER_PACKAGE_NAME liblarder1)
set(CPACK_DEBIAN_LIBLARDER_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEV_PACKAGE_NAME liblarder-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "liblarder1 (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_LARDER_DESCRIPTION "A cache with a policy\n The program: it checks and explains policies, runs a kernel, and asks a running one.")
set(CPACK_COMPONENT_PLUGINS_DESCRIPTION "Stores, codecs, gateways and exporters for larder\n What larder.toml names: memory, Redis, files, brotli, zstd, the Redis protocol, HTTP and more.")
set(CPACK_COMPONENT_LIBLARDER_DESCRIPTION "larder in a host's own process\n The shared library behind larder/larder.h.")
set(CPACK_COMPONENT_DEV_DESCRIPTION "Headers for plugins and hosts of larder\n C and C++ headers, CMake package, pkg-config.")
include(CPack)
