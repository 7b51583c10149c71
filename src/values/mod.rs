//! Plain values that the database, the catalogue, the accounts and HTTP share. They import nothing of this crate.

pub mod audio;
pub mod catalogue_id;
pub mod disc;
pub mod document;
pub mod grouping;
pub mod login;
pub mod network;
pub mod object;
pub mod path;
pub mod printed;
pub mod scope;
pub mod separators;
pub mod spelling;
pub mod user_name;
