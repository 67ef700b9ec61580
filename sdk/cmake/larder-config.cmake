# larder-config.cmake -- find_package(larder REQUIRED) for plugin authors: larder::sdk and larder_add_plugin().
#
# Works where it is installed (lib/cmake/larder beside include/larder) and straight from a source tree
# (-Dlarder_DIR=<larder>/sdk/cmake).
if(NOT TARGET larder::sdk)
  add_library(larder::sdk INTERFACE IMPORTED)
  find_path(LARDER_SDK_INCLUDE larder/plugin/abi.h REQUIRED NO_DEFAULT_PATH PATHS
    ${CMAKE_CURRENT_LIST_DIR}/../include ${CMAKE_CURRENT_LIST_DIR}/../../../include ${CMAKE_CURRENT_LIST_DIR}/../../../../include)
  target_include_directories(larder::sdk INTERFACE ${LARDER_SDK_INCLUDE})
  get_property(larder_languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST larder_languages)
    target_compile_features(larder::sdk INTERFACE cxx_std_20)
  endif()
endif()
# For hosts, where liblarder is installed: larder::larder.
if(NOT TARGET larder::larder)
  find_library(LARDER_LIBRARY larder NO_DEFAULT_PATH PATHS ${CMAKE_CURRENT_LIST_DIR}/../..)
  if(LARDER_LIBRARY)
    add_library(larder::larder SHARED IMPORTED)
    set_target_properties(larder::larder PROPERTIES IMPORTED_LOCATION ${LARDER_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${LARDER_SDK_INCLUDE})
  endif()
endif()
include(${CMAKE_CURRENT_LIST_DIR}/LarderPlugin.cmake)
