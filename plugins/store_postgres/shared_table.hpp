// plugins/store_postgres/shared_table.hpp -- larder.shared/1 as a table of C functions.
#pragma once

#include <larder/plugin/shared.h>

namespace larder::store_postgres {

const larder_shared_v1* shared_table() noexcept;

}  // namespace larder::store_postgres
