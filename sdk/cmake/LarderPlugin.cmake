# sdk/cmake/LarderPlugin.cmake -- how a plugin is built, in this tree and outside of it.
#
#   larder_add_plugin(NAME SOURCES a.cpp... MANIFEST NAME.larder.toml)   -> NAME.so, a module that exports one symbol
#
# The manifest is the one place that states id, version, license and vendor: its text is embedded in
# the library, where the kernel reads it without loading the file, and the descriptor that
# LARDER_MODULE() makes points into what is generated from it.
#
#   -fvisibility=hidden, version script   one exported symbol; nothing of the plugin or of its static
#                                         libraries meets the kernel's or another plugin's symbols
#   -fno-gnu-unique (g++)                 no symbols that the dynamic linker merges across modules
#   -z defs, -z now                       an undefined symbol is an error when linking, and at the
#                                         latest when loading, never at the first hit
#   -z nodelete                           the code stays mapped: a stray thread or a thread-local
#                                         destructor finds it
include_guard(GLOBAL)

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/larder-plugin.map)
  set(LARDER_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/larder-plugin.map CACHE INTERNAL "")
else()
  set(LARDER_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/../larder-plugin.map CACHE INTERNAL "")
endif()
set(LARDER_PLUGIN_EMBED ${CMAKE_CURRENT_LIST_DIR}/LarderManifest.cmake CACHE INTERNAL "")

function(larder_add_plugin NAME)
  cmake_parse_arguments(A "" "MANIFEST" "SOURCES" ${ARGN})
  if(A_UNPARSED_ARGUMENTS OR NOT A_SOURCES OR NOT A_MANIFEST)
    message(FATAL_ERROR "larder_add_plugin(${NAME}): expected SOURCES and MANIFEST")
  endif()
  get_filename_component(manifest ${A_MANIFEST} ABSOLUTE)

  # C where the project has it, else C++: the generated file is both.
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(extension cpp)
  if(C IN_LIST languages)
    set(extension c)
  endif()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${NAME}.manifest.${extension})
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DMANIFEST=${manifest} -DOUTPUT=${generated} -P ${LARDER_PLUGIN_EMBED}
    DEPENDS ${manifest} ${LARDER_PLUGIN_EMBED}
    COMMENT "Embedding ${A_MANIFEST}" VERBATIM)

  add_library(${NAME} MODULE ${A_SOURCES} ${generated})
  target_link_libraries(${NAME} PRIVATE larder::sdk)
  set_target_properties(${NAME} PROPERTIES
    PREFIX "" SUFFIX ".so"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${LARDER_PLUGIN_MAP})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  target_link_options(${NAME} PRIVATE
    LINKER:--version-script=${LARDER_PLUGIN_MAP} LINKER:-z,now LINKER:-z,nodelete)
  # A sanitizer's runtime is in the program that loads the module, so its symbols are undefined here.
  if(NOT LARDER_SANITIZE AND NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${NAME} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
