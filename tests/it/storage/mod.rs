//! Object storage: the real S3 protocol, with signatures, from a service in this process that can be told to fail.

mod cached;
mod check;
mod client;
mod import;
mod play;
mod presigned;
mod reached;
mod scan;
mod service;
