# cmake/LarderDependencies.cmake -- every outside library, with its version, in one place.
#
# Boost 1.81 is asked for by number: installing some Debian packages silently swaps 1.81 for 1.74,
# and this line is what notices.
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(tomlplusplus 3.3 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(brotli REQUIRED IMPORTED_TARGET libbrotlienc libbrotlidec)
find_package(ZLIB 1.2.11 REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5.2)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)

# Catch2 comes as version 2 (Debian 12) or 3; tests/catch.hpp levels the two. Version 2 ships its
# main ready-made as a static library without a target.
if(LARDER_TESTS)
  find_package(Catch2 3 QUIET)
  if(NOT Catch2_FOUND)
    find_package(Catch2 2.13 REQUIRED)
    find_library(LARDER_CATCH2_MAIN Catch2WithMain REQUIRED)
    add_library(larder_catch2 INTERFACE)
    target_link_libraries(larder_catch2 INTERFACE ${LARDER_CATCH2_MAIN} Catch2::Catch2)
  else()
    add_library(larder_catch2 INTERFACE)
    target_link_libraries(larder_catch2 INTERFACE Catch2::Catch2WithMain)
  endif()
endif()
