//! The tables of both databases; written by the test `schema` from the migrated databases.

diesel::table! {
    logins (id) {
        id -> BigInt,
        user_id -> BigInt,
        agent -> Text,
        created_us -> BigInt,
        expires_us -> BigInt,
    }
}

diesel::table! {
    revocations (login_id) {
        login_id -> BigInt,
        expires_us -> BigInt,
    }
}

diesel::table! {
    secrets (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        password -> Text,
        role -> Text,
        created_us -> BigInt,
    }
}

diesel::joinable!(logins -> users (user_id));

diesel::allow_tables_to_appear_in_same_query! {
    logins,
    revocations,
    secrets,
    users,
}
