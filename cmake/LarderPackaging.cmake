# cmake/LarderPackaging.cmake -- what `cmake --install` puts where, and the Debian packages that `cpack` makes of it.
#
# Six parts, each a package: larder (the program, its configuration, policies, unit, manual page, completions), larder-plugins,
# liblarder, liblarder-dev (headers, CMake, pkg-config; templates are in the program), python3-larder and
# libnginx-mod-http-larder; the last two where they are built. A program looks for its plugins beside
# itself, ../lib/.../larder/plugins-1, so a tree that is installed anywhere works from there. Scripts, triggers and the
# like of the packages stand in packaging/debian.
include(GNUInstallDirs)
set(share ${CMAKE_INSTALL_DATADIR}/larder)
set(made ${PROJECT_BINARY_DIR}/installed)
install(DIRECTORY conf policies DESTINATION ${share} COMPONENT larder PATTERN "larder.service" EXCLUDE)
install(FILES conf/larder.service DESTINATION lib/systemd/system COMPONENT larder)
install(FILES README.md LICENSE docs/changelog.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT larder)

# What the unit starts with. A prefix that ends in /usr has its configuration in /etc, any other below itself.
file(READ conf/larder.toml text)
string(REPLACE "../policies/hotel.larder" "policies/hotel.larder" text "${text}")
file(GENERATE OUTPUT ${made}/larder.toml CONTENT "${text}")
install(CODE "
  string(REGEX REPLACE \"/usr/*$\" \"\" root \"\${CMAKE_INSTALL_PREFIX}\")
  file(INSTALL \"${made}/larder.toml\" DESTINATION \"\${root}/etc/larder\")
  file(INSTALL \"${PROJECT_SOURCE_DIR}/policies/hotel.larder\" DESTINATION \"\${root}/etc/larder/policies\")"
  COMPONENT larder)

# Made by the program itself, of what its verbs say of themselves. Made by the build, not by the installation: two of them
# at a time do not meet.
set(completions ${made}/bash/larder ${made}/_larder ${made}/larder.fish)
file(MAKE_DIRECTORY ${made}/bash)
set(ask $<TARGET_FILE:larder>)
if(LARDER_SANITIZE MATCHES thread)
  set(ask setarch ${CMAKE_SYSTEM_PROCESSOR} -R ${ask})  # it wants its addresses where they always are
endif()
add_custom_command(OUTPUT ${made}/larder.1.gz ${completions}
  COMMAND ${ask} man > ${made}/larder.1
  COMMAND gzip -9nf ${made}/larder.1
  COMMAND ${ask} completion bash > ${made}/bash/larder
  COMMAND ${ask} completion zsh > ${made}/_larder
  COMMAND ${ask} completion fish > ${made}/larder.fish
  DEPENDS larder COMMENT "manual page and completions" VERBATIM)
add_custom_target(larder_pages ALL DEPENDS ${made}/larder.1.gz ${completions})
# Section 3, from the comments of the headers; left out where there is no Python.
find_program(LARDER_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(LARDER_PYTHON)
  set(headers sdk/include/larder/larder.h sdk/include/larder/larder.hpp sdk/include/larder/asio.hpp)
  set(reference sdk/reference/pages.py sdk/reference/c_header.py sdk/reference/cpp_header.py)
  list(TRANSFORM headers PREPEND ${PROJECT_SOURCE_DIR}/)
  list(TRANSFORM reference PREPEND ${PROJECT_SOURCE_DIR}/)
  add_custom_command(OUTPUT ${made}/man3/larder.h.3.gz
    COMMAND ${LARDER_PYTHON} -B ${PROJECT_SOURCE_DIR}/sdk/reference/pages.py man ${made}/man3 ${PROJECT_VERSION}
    DEPENDS ${headers} ${reference} COMMENT "manual pages of the headers" VERBATIM)
  add_custom_target(larder_man3 ALL DEPENDS ${made}/man3/larder.h.3.gz)
  install(DIRECTORY ${made}/man3/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT dev)
endif()
install(FILES ${made}/larder.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT larder)
install(FILES ${made}/bash/larder DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT larder)
install(FILES ${made}/_larder DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT larder)
install(FILES ${made}/larder.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT larder)

# pkg-config for Makefiles: pkg-config --cflags larder-plugin; --variable=mapfile, manifest (a script for cmake -P) and plugindir.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/larder-plugin.pc @ONLY CONTENT [[
prefix=${pcfiledir}/@up@
mapfile=${pcfiledir}/../cmake/larder/larder-plugin.map
manifest=${pcfiledir}/../cmake/larder/LarderManifest.cmake
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
set(CPACK_PACKAGE_CONTACT "The larder authors <larder@packages.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own synopsis
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${LARDER_BIN}/lib)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL)

# larder_package(COMPONENT PACKAGE SECTION "synopsis" "what it is" [DEPENDS ...] [RECOMMENDS ...] [CONTROL FILE...]): a
# component becomes a Debian package, with the papers that each of them carries.
set(control ${PROJECT_SOURCE_DIR}/packaging/debian)
function(larder_package component package section synopsis text)
  cmake_parse_arguments(A "" "" "DEPENDS;RECOMMENDS;CONTROL" ${ARGN})
  list(TRANSFORM A_CONTROL PREPEND ${control}/)
  list(JOIN A_DEPENDS ", " depends)
  list(JOIN A_RECOMMENDS ", " recommends)
  string(TOUPPER ${component} upper)
  foreach(fact IN ITEMS "PACKAGE_NAME;${package}" "PACKAGE_SECTION;${section}" "PACKAGE_DEPENDS;${depends}"
                        "PACKAGE_RECOMMENDS;${recommends}" "DESCRIPTION;${synopsis}\n${text}")
    list(GET fact 0 name)
    list(GET fact 1 value)
    set(CPACK_DEBIAN_${upper}_${name} "${value}" PARENT_SCOPE)
  endforeach()
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${A_CONTROL}" PARENT_SCOPE)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
  install(FILES ${made}/changelog.gz ${control}/copyright
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
endfunction()

# Debian's changelog, of the day of the configuration; SOURCE_DATE_EPOCH, where it is set, is that day.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${made}/changelog "larder (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * What changed stands in docs/changelog.md.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
execute_process(COMMAND gzip -9nf ${made}/changelog COMMAND_ERROR_IS_FATAL ANY)

set(same "(= ${PROJECT_VERSION})")
larder_package(larder larder net "cache with a policy: the server and its tools"
  "A policy file says what is cached, for how long, and which writes drop it. The\nprogram checks and explains policies, runs a kernel that speaks the Redis\nprotocol and HTTP, and asks a running one."
  DEPENDS "larder-plugins ${same}" CONTROL larder/conffiles)
larder_package(plugins larder-plugins net "stores, codecs, gateways and exporters for larder"
  "What larder.toml names: memory, Redis, files, brotli, zstd, the Redis protocol,\nHTTP, Prometheus metrics and more, each a shared library that is loaded when a\nconfiguration asks for it.")
larder_package(liblarder liblarder1 libs "cache with a policy in a program's own process"
  "The shared library behind larder/larder.h: a kernel that a host opens, asks and\ncloses, with the policies and plugins of the larder server."
  RECOMMENDS "larder-plugins ${same}" CONTROL liblarder/shlibs liblarder/triggers)
larder_package(dev liblarder-dev libdevel "headers for hosts and plugins of larder"
  "C and C++ headers, manual pages, a CMake package and pkg-config files for\nprograms that have the cache inside, and for plugins."
  DEPENDS "liblarder1 ${same}")
if(TARGET larder_python)
  larder_package(python python3-larder python "cache with a policy for Python 3"
    "The kernel inside a Python process: decorators, an ASGI middleware, sessions,\nand a pytest fixture with virtual time. One extension by the stable ABI."
    DEPENDS "python3 (>= 3.10)" "liblarder1 ${same}" "larder-plugins ${same}" CONTROL python/postinst python/prerm)
endif()
if(TARGET example_nginx)
  # A module fits one ABI of nginx; Debian has a virtual package for it.
  file(STRINGS ${LARDER_NGINX_SOURCE}/debian/libnginx-mod.abisubstvars abi REGEX "^nginx:abi=")
  string(REPLACE "nginx:abi=" "" abi "${abi}")
  larder_package(nginx libnginx-mod-http-larder httpd "cache with a policy for nginx"
    "A dynamic module that answers requests by the policy's serve rules, keeps what\nthe application answers, and fires the policy's rules after writes."
    DEPENDS ${abi} "liblarder1 ${same}" "larder-plugins ${same}" RECOMMENDS nginx
    CONTROL nginx/postinst nginx/prerm nginx/postrm)
endif()
include(CPack)
