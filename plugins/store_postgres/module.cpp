// plugins/store_postgres/module.cpp -- the one exported symbol of store_postgres.so.
#include "postgres_store.hpp"

LARDER_MODULE(&larder::plugin::Store<larder::store_postgres::PostgresStore>::value)
