//! The integration tests: real files, real databases, the real server. One module per topic.
#![allow(clippy::indexing_slicing, reason = "a test that finds less than it looks for should panic")]

#[macro_use]
mod harness;

mod accounts;
mod api_keys;
mod backup;
mod caching;
mod catalogue;
mod claim;
mod client_example;
mod command_line;
mod conforms;
mod contributing;
mod database;
mod demo;
mod dependencies;
mod device;
mod door;
mod end_to_end;
mod foreign;
mod full_disk;
mod gate;
mod history;
mod house;
mod http;
mod layers;
mod listening;
mod login_codes;
mod metrics;
mod network;
mod numbering;
mod openapi;
mod operator;
mod origins;
mod playback;
mod player;
mod reached;
mod schema;
mod search;
mod service_manager;
mod storage;
mod store;
mod strangers;
mod stream;
mod sync;
mod tidy;
mod tls;
mod tokens;
