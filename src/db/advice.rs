//! What to do about errors of PostgreSQL, in words for people.

use std::fmt::Display;

/// An error of PostgreSQL with what to do about it, where that is known.
pub(super) fn advised(error: impl Display) -> String {
    let said = error.to_string();
    let said = said.trim_end();
    let advice = if said.contains("FATAL:  database ") && said.ends_with("does not exist") {
        "; make it: createdb -O USER NAME"
    } else if said.contains("permission denied for schema public") {
        "; the user must own the database: ALTER DATABASE NAME OWNER TO USER"
    } else {
        ""
    };
    format!("{said}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_postgresql_say_what_to_do_where_that_is_known() {
        let absent = "connection to server at \"localhost\" failed: FATAL:  database \"segue\" does not exist\n";
        assert!(advised(absent).ends_with("does not exist; make it: createdb -O USER NAME"), "{}", advised(absent));
        let foreign = advised("Failed with: permission denied for schema public");
        assert!(foreign.ends_with("the user must own the database: ALTER DATABASE NAME OWNER TO USER"), "{foreign}");
        for other in ["FATAL:  role \"segue\" does not exist", "connection refused"] {
            assert_eq!(advised(other), other);
        }
    }
}
