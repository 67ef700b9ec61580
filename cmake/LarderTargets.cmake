# cmake/LarderTargets.cmake -- how a larder library, plugin, test or benchmark is made.
#
#   larder_library(NAME core SOURCES ... DEPS ... [PRIVATE_DEPS ...])   -> larder_core, alias larder::core
#   larder_plugin(NAME store_memory SOURCES ... MANIFEST ... [LIBS ...]) -> store_memory.so under bin/plugins
#   larder_test(NAME dsl SOURCES ... DEPS ...)                           -> test_dsl under bin/tests
#   larder_bench(NAME policy SOURCES ... DEPS ...)                       -> bench_policy under bin/bench
#
# The folders' CMakeLists.txt state facts (names, sources, dependencies); every flag is here.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(LARDER_CCACHE ccache)
if(LARDER_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${LARDER_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LARDER_CCACHE})
endif()

set(LARDER_BIN ${PROJECT_BINARY_DIR}/bin)

add_library(larder_flags INTERFACE)
target_compile_options(larder_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Wrestrict: g++ 12 sees overlaps in std::string concatenation that are not there (GCC PR 105329).
  target_compile_options(larder_flags INTERFACE
    -Wno-restrict -Wduplicated-cond $<$<COMPILE_LANGUAGE:CXX>:-Wuseless-cast>)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(larder_flags INTERFACE -Wthread-safety)
endif()
if(LARDER_WERROR)
  target_compile_options(larder_flags INTERFACE -Werror)
endif()
# One definition for everybody: Boost.DLL on std::filesystem needs no Boost library at run time.
target_compile_definitions(larder_flags INTERFACE BOOST_DLL_USE_STD_FS)
if(LARDER_SANITIZE)
  # Without no-recover UBSan prints and goes on, and a test that shows undefined behaviour passes.
  target_compile_options(larder_flags INTERFACE
    -fsanitize=${LARDER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # g++ sees through std::optional no longer once a sanitizer has instrumented it, and warns for nothing.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(larder_flags INTERFACE -fsanitize=${LARDER_SANITIZE})
  target_compile_definitions(larder_flags INTERFACE LARDER_SANITIZED=1)
endif()

# Clang warns of `>>` in Spirit's `a >> b | c`, which is how grammars are written. A property of the
# source file, because only that comes after the target's own flags.
function(larder_quiet_spirit)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    foreach(source IN LISTS ARGN)
      if(source MATCHES "(grammar_[a-z0-9_]+|tokens|recover)\\.cpp$")
        set_property(SOURCE ${source} APPEND PROPERTY
          COMPILE_OPTIONS -Wno-overloaded-shift-op-parentheses)
      endif()
    endforeach()
  endif()
endfunction()

function(larder_library)
  cmake_parse_arguments(A "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(larder_${A_NAME} STATIC ${A_SOURCES})
  larder_quiet_spirit(${A_SOURCES})
  add_library(larder::${A_NAME} ALIAS larder_${A_NAME})
  target_include_directories(larder_${A_NAME} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(larder_${A_NAME} PUBLIC ${A_DEPS} PRIVATE larder_flags ${A_PRIVATE_DEPS})
endfunction()

function(larder_plugin)
  cmake_parse_arguments(A "" "NAME;MANIFEST" "SOURCES;LIBS" ${ARGN})
  larder_add_plugin(${A_NAME} SOURCES ${A_SOURCES} MANIFEST ${A_MANIFEST})
  target_link_libraries(${A_NAME} PRIVATE larder_flags ${A_LIBS})
  set_target_properties(${A_NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${LARDER_BIN}/plugins)
  include(GNUInstallDirs)
  install(TARGETS ${A_NAME} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/larder/plugins-1 COMPONENT plugins)
endfunction()

function(larder_test)
  cmake_parse_arguments(A "" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(test_${A_NAME} ${A_SOURCES})
  target_include_directories(test_${A_NAME} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(test_${A_NAME} PRIVATE
    LARDER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LARDER_BIN_DIR="${LARDER_BIN}")
  # The libraries under test are built as they ship. The tests are half of all units, and take a third less
  # time to compile this way.
  target_compile_options(test_${A_NAME} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(test_${A_NAME} PRIVATE larder_flags ${A_DEPS} larder_catch2)
  set_target_properties(test_${A_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${LARDER_BIN}/tests)
  add_test(NAME ${A_NAME} COMMAND test_${A_NAME})
endfunction()

function(larder_bench)
  cmake_parse_arguments(A "" "NAME" "SOURCES;DEPS" ${ARGN})
  if(NOT LARDER_BENCH)
    return()
  endif()
  add_executable(bench_${A_NAME} ${A_SOURCES})
  target_include_directories(bench_${A_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(bench_${A_NAME} PRIVATE
    LARDER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" LARDER_BIN_DIR="${LARDER_BIN}")
  target_link_libraries(bench_${A_NAME} PRIVATE larder_flags ${A_DEPS})
  set_target_properties(bench_${A_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${LARDER_BIN}/bench)
endfunction()
