# tests/unit/sdk/cut_readme.cmake -- writes the blocks of sdk/README.md that begin with a file's name as those files.
#
#   cmake -DREADME=sdk/README.md -DFOLDER=out -P this
file(READ ${README} text)
foreach(name store_jar.cpp store_jar.larder.toml)
  string(FIND "${text}" "${name} -- " at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${README}: expected a block that begins with the name ${name}")
  endif()
  string(SUBSTRING "${text}" ${at} -1 rest)
  string(FIND "${rest}" "\n" line)
  string(FIND "${rest}" "\n```" end)
  math(EXPR length "${end} - ${line}")
  string(SUBSTRING "${rest}" ${line} ${length} body)
  file(WRITE ${FOLDER}/${name} "${body}\n")
endforeach()
