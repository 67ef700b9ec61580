// plugins/warmer_sql/module.cpp -- the one exported symbol of warmer_sql.so.
#include "sql_source.hpp"

LARDER_MODULE(&larder::plugin::Warmer<larder::warmer_sql::SqlSource>::value)
