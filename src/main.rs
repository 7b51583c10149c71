//! The `segue` program; everything is in the library.

fn main() -> std::process::ExitCode {
    segue::cli::main()
}
