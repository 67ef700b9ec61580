// plugins/gateway_resp/commands.hpp -- the handlers that command_table.cpp names, by the file they
// are in.
#pragma once
#include "exchange.hpp"

namespace larder::resp {

// Runs x.command, or queues it in a transaction: what both a client's request and EXEC go through.
// REQUIRES: x.args is the request and x.command what find_command() found.
Step dispatch(Exchange& x);
// Runs x.command now, told to those who follow.
Step execute(Exchange& x);
Step unknown_command(Exchange& x);
// Replies with the values of x.gets from x.index on, each as GET would.
Step reply_values(Exchange& x);

// clang-format off
// commands_connection.cpp
Step hello(Exchange&); Step auth(Exchange&); Step ping(Exchange&); Step echo(Exchange&);
Step select_db(Exchange&); Step quit(Exchange&); Step reset(Exchange&);
// commands_pubsub.cpp
Step subscribe(Exchange&); Step psubscribe(Exchange&); Step unsubscribe(Exchange&);
Step punsubscribe(Exchange&); Step publish(Exchange&); Step pubsub_channels(Exchange&);
Step pubsub_numsub(Exchange&); Step pubsub_numpat(Exchange&);
// commands_client.cpp
Step client_id(Exchange&); Step client_setname(Exchange&); Step client_getname(Exchange&);
Step client_setinfo(Exchange&); Step client_info(Exchange&); Step client_list(Exchange&);
Step client_kill(Exchange&); Step client_reply(Exchange&); Step client_no_evict(Exchange&);
Step client_no_touch(Exchange&); Step client_unblock(Exchange&); Step container_help(Exchange&);
// commands_tracking.cpp
Step client_tracking(Exchange&); Step client_trackinginfo(Exchange&); Step client_caching(Exchange&);
Step client_getredir(Exchange&);
// commands_read.cpp
Step get(Exchange&); Step mget(Exchange&); Step strlen_of(Exchange&); Step getrange(Exchange&);
Step exists(Exchange&); Step type_of(Exchange&); Step ttl(Exchange&); Step object_encoding(Exchange&);
Step object_refcount(Exchange&); Step object_idletime(Exchange&); Step object_freq(Exchange&);
Step memory_usage(Exchange&); Step memory_doctor(Exchange&);
// commands_write.cpp
Step set(Exchange&); Step setnx(Exchange&); Step setex(Exchange&); Step getset(Exchange&);
Step getdel(Exchange&); Step getex(Exchange&); Step mset(Exchange&); Step msetnx(Exchange&);
// commands_update.cpp
Step append(Exchange&); Step setrange(Exchange&); Step incr(Exchange&); Step decr(Exchange&);
Step incrby(Exchange&); Step decrby(Exchange&); Step incrbyfloat(Exchange&);
// commands_bits.cpp
Step setbit(Exchange&); Step getbit(Exchange&); Step bitcount(Exchange&); Step bitpos(Exchange&);
// commands_lcs.cpp
Step lcs(Exchange&);
// commands_key.cpp
Step del(Exchange&); Step expire(Exchange&); Step persist(Exchange&); Step rename(Exchange&);
Step copy(Exchange&);
// commands_scan.cpp
Step scan(Exchange&); Step keys(Exchange&); Step randomkey(Exchange&); Step dbsize(Exchange&);
Step flush(Exchange&);
// commands_transaction.cpp
Step multi(Exchange&); Step exec(Exchange&); Step discard(Exchange&); Step watch(Exchange&);
Step unwatch(Exchange&);
// Tells those who follow that a transaction is over.
void follow_exec(Exchange&);
// commands_info.cpp
Step info(Exchange&); Step memory_stats(Exchange&);
// commands_config.cpp
Step config_get(Exchange&); Step config_set(Exchange&); Step config_resetstat(Exchange&);
Step config_rewrite(Exchange&);
// commands_server.cpp
Step time_of_day(Exchange&); Step debug(Exchange&); Step not_here(Exchange&); Step lastsave(Exchange&);
Step empty_list(Exchange&); Step zero(Exchange&); Step accept(Exchange&);
Step function_flush(Exchange&); Step acl_whoami(Exchange&); Step acl_users(Exchange&);
Step monitor(Exchange&);
// commands_command.cpp
Step command_all(Exchange&); Step command_count(Exchange&); Step command_docs(Exchange&);
Step command_info(Exchange&); Step command_list(Exchange&); Step command_getkeys(Exchange&);
// commands_larder.cpp
Step larder_put(Exchange&); Step larder_get(Exchange&); Step larder_drop(Exchange&);
Step larder_expire(Exchange&); Step larder_refresh(Exchange&); Step larder_route(Exchange&);
Step larder_event(Exchange&); Step larder_explain(Exchange&); Step larder_warm(Exchange&);
Step larder_session(Exchange&);  // commands_session.cpp
Step larder_stats(Exchange&); Step larder_reload(Exchange&); Step larder_reclaim(Exchange&);
// clang-format on

}  // namespace larder::resp
