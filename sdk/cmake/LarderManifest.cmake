# sdk/cmake/LarderManifest.cmake -- cmake -DMANIFEST=x.larder.toml -DOUTPUT=x.c -P this: a manifest as a source file.
#
# The text is written as characters rather than as a string literal, which C limits to 4095 bytes.
file(READ ${MANIFEST} text)
file(READ ${MANIFEST} hex HEX)

if(hex MATCHES "^(..)*00")
  message(FATAL_ERROR "${MANIFEST}: a manifest has no NUL byte")
endif()
if(text MATCHES "#</?larder-manifest")
  message(FATAL_ERROR "${MANIFEST}: a manifest does not contain the marker lines")
endif()

# What stands before the first table is the module's own.
string(REGEX REPLACE "\n[ \t]*\\[.*" "\n" head "\n${text}")
foreach(name id version license vendor)
  if(NOT head MATCHES "\n[ \t]*${name}[ \t]*=[ \t]*\"([^\"\\\n]*)\"")
    message(FATAL_ERROR "${MANIFEST}: expected ${name} = \"...\" before the first [[component]]")
  endif()
  set(${name} "${CMAKE_MATCH_1}")
endforeach()

macro(as_characters out hex)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," ${out} "${hex}")
  string(REGEX REPLACE "(.......................................................................),"
                       "\\1,\n" ${out} "${${out}}")
endmacro()
string(HEX "#<larder-manifest/1>\n" begin)
string(HEX "\n#</larder-manifest>\n" end)
as_characters(characters "${begin}${hex}${end}00")

file(WRITE ${OUTPUT} "/* Generated from ${MANIFEST}. */
#include <larder/plugin/plugin.h>
LARDER_EXTERN_C_BEGIN
LARDER_MANIFEST_ATTR const char larder_manifest_text[] = {
${characters}};
const char larder_manifest_id[] = \"${id}\";
const char larder_manifest_version[] = \"${version}\";
const char larder_manifest_license[] = \"${license}\";
const char larder_manifest_vendor[] = \"${vendor}\";
LARDER_EXTERN_C_END
")
