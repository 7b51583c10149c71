//! What whoever runs a server reads, and what does not trouble the server.

mod junk;
mod languages;
mod output;
mod refusals;
mod requests;
mod sockets;
