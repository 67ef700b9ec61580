/* tests/sins/sin.h -- what planted sins are made of: a manifest, and a word to ask which one this is.
 *
 * SIN_NAME is the sin's name; SIN(crash) is true in the library of that name. */
#ifndef LARDER_TESTS_SIN_H
#define LARDER_TESTS_SIN_H
#include <larder/plugin/plugin.h>

#include <string.h>

#define SIN_TEXT_(x) #x
#define SIN_TEXT(x) SIN_TEXT_(x)
#define SIN(name) (strcmp(SIN_TEXT(SIN_NAME), #name) == 0)

#ifdef SIN_UNDOCUMENTED
#define SIN_OPTION "[[component.option]]\nname = \"most\"\ntype = \"int\"\ndefault = 1\n"
#else
#define SIN_OPTION ""
#endif

#define SIN_MODULE(KIND_TEXT, CAPS)                                                                                    \
  LARDER_MANIFEST_ATTR static const char sin_manifest[] = LARDER_MANIFEST_BEGIN                                       \
      "id = \"com.example.sin\"\nversion = \"1.0.0\"\nabi = \"1.0\"\nlicense = \"Apache-2.0\"\nvendor = \"larder\"\n"    \
      "[[component]]\nkind = \"" KIND_TEXT "\"\nname = \"" SIN_TEXT(SIN_NAME) "\"\ncaps = [" CAPS "]\n" SIN_OPTION      \
      LARDER_MANIFEST_END;                                                                                             \
  LARDER_DESCRIPTOR("com.example.sin", "1.0.0", "Apache-2.0", "larder", sin_manifest, NULL, NULL, &component)

#endif
