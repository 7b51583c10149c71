//! What the machine and the server's process say of themselves (`/proc` of Linux), and how late the server's loop is.

pub mod cpu;
pub mod limits;
pub mod probe;
pub mod process;
