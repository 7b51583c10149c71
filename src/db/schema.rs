//! The tables of both databases; written by the test `schema` from the migrated databases.

diesel::table! {
    album_artists (album_id, position) {
        album_id -> BigInt,
        position -> BigInt,
        artist_id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    albums (id) {
        id -> BigInt,
        title -> Text,
        identity -> Text,
        sort_key -> Text,
        tagged -> Bool,
        compilation -> Bool,
        date -> Nullable<Text>,
        disc_count -> BigInt,
        track_count -> BigInt,
        duration_ms -> BigInt,
        cover_id -> Nullable<BigInt>,
        added_us -> BigInt,
        change -> BigInt,
        stale -> Bool,
        original_date -> Nullable<Text>,
        sort_name -> Nullable<Text>,
        why -> Text,
    }
}

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        scope -> Text,
        hash -> Text,
        created_us -> BigInt,
        used_day -> Nullable<BigInt>,
    }
}

diesel::table! {
    artists (id) {
        id -> BigInt,
        name -> Text,
        identity -> Text,
        sort_key -> Text,
        album_count -> BigInt,
        track_count -> BigInt,
        cover_id -> Nullable<BigInt>,
        added_us -> BigInt,
        change -> BigInt,
        stale -> Bool,
        sort_name -> Nullable<Text>,
    }
}

diesel::table! {
    changes (id) {
        id -> BigInt,
        last -> BigInt,
    }
}

diesel::table! {
    departed_files (id) {
        id -> BigInt,
    }
}

diesel::table! {
    files (id) {
        id -> BigInt,
        folder_id -> BigInt,
        name -> Binary,
        size -> BigInt,
        mtime_ns -> BigInt,
        inode -> BigInt,
        reader -> BigInt,
        version -> Text,
        fingerprint -> Text,
        sha256 -> Nullable<Text>,
        tag_key -> Nullable<BigInt>,
        error -> Nullable<Text>,
        missing_us -> Nullable<BigInt>,
        sha256_us -> BigInt,
        ctime_ns -> BigInt,
        look -> Text,
        losses -> Text,
        etag -> Nullable<Text>,
    }
}

diesel::table! {
    folders (id) {
        id -> BigInt,
        path -> Binary,
        cover_name -> Nullable<Binary>,
        cover_size -> BigInt,
        cover_mtime_ns -> BigInt,
        cover_id -> Nullable<BigInt>,
        cover_ctime_ns -> BigInt,
        cover_inode -> BigInt,
    }
}

diesel::table! {
    followed_artists (user_id, artist_id) {
        user_id -> BigInt,
        artist_id -> BigInt,
        added_us -> BigInt,
    }
}

diesel::table! {
    former_albums (track_id, album_id) {
        track_id -> BigInt,
        album_id -> BigInt,
    }
}

diesel::table! {
    former_artists (track_id, artist_id) {
        track_id -> BigInt,
        artist_id -> BigInt,
        now_id -> BigInt,
    }
}

diesel::table! {
    genres (id) {
        id -> BigInt,
        name -> Text,
        identity -> Text,
        sort_key -> Text,
        track_count -> BigInt,
        stale -> Bool,
    }
}

diesel::table! {
    gone_playlists (id) {
        id -> BigInt,
        change -> BigInt,
    }
}

diesel::table! {
    login_codes (user_id) {
        user_id -> BigInt,
        code -> Text,
        expires_us -> BigInt,
    }
}

diesel::table! {
    login_networks (user_id, network) {
        user_id -> BigInt,
        network -> Text,
        last_us -> BigInt,
    }
}

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
    merged_tracks (id) {
        id -> BigInt,
        into_id -> BigInt,
    }
}

diesel::table! {
    nodes (node_id) {
        node_id -> BigInt,
        beat_us -> BigInt,
    }
}

diesel::table! {
    play_counts (media_id) {
        media_id -> BigInt,
        plays -> BigInt,
    }
}

diesel::table! {
    playlist_items (playlist_id, position) {
        playlist_id -> BigInt,
        position -> BigInt,
        track_id -> BigInt,
        added_by -> BigInt,
        added_us -> BigInt,
    }
}

diesel::table! {
    playlists (id) {
        id -> BigInt,
        owner_id -> BigInt,
        name -> Text,
        description -> Text,
        public -> Bool,
        snapshot -> BigInt,
        track_count -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
        deleted -> Bool,
        change -> BigInt,
    }
}

diesel::table! {
    plays (user_id, epoch, revision) {
        user_id -> BigInt,
        epoch -> BigInt,
        revision -> BigInt,
        media_id -> BigInt,
        kind -> Text,
        started_us -> BigInt,
        device_id -> Nullable<BigInt>,
        counted -> Bool,
    }
}

diesel::table! {
    revocations (login_id) {
        login_id -> BigInt,
        revoked_us -> BigInt,
        expires_us -> BigInt,
    }
}

diesel::table! {
    saved_albums (user_id, album_id) {
        user_id -> BigInt,
        album_id -> BigInt,
        added_us -> BigInt,
    }
}

diesel::table! {
    saved_tracks (user_id, track_id) {
        user_id -> BigInt,
        track_id -> BigInt,
        added_us -> BigInt,
    }
}

diesel::table! {
    secrets (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    session_queues (user_id) {
        user_id -> BigInt,
        queue_revision -> BigInt,
        queue -> Text,
    }
}

diesel::table! {
    sessions (user_id) {
        user_id -> BigInt,
        epoch -> BigInt,
        revision -> BigInt,
        record -> Text,
    }
}

diesel::table! {
    sort_names (track_id) {
        track_id -> BigInt,
        artists -> Text,
        album -> Text,
        album_artists -> Text,
    }
}

diesel::table! {
    stale_titles (title_key) {
        title_key -> Text,
    }
}

diesel::table! {
    track_albums (track_id) {
        track_id -> BigInt,
        title -> Text,
        title_key -> Text,
        artists -> Text,
        release_id -> Nullable<Text>,
        compilation -> Bool,
        place -> BigInt,
        home -> BigInt,
        settled -> Bool,
        disc_known -> Bool,
    }
}

diesel::table! {
    track_artists (track_id, position) {
        track_id -> BigInt,
        position -> BigInt,
        artist_id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    track_genres (track_id, position) {
        track_id -> BigInt,
        position -> BigInt,
        genre_id -> BigInt,
        name -> Text,
    }
}

diesel::table! {
    tracks (id) {
        id -> BigInt,
        album_id -> BigInt,
        title -> Text,
        sort_key -> Text,
        disc -> BigInt,
        number -> Nullable<BigInt>,
        date -> Nullable<Text>,
        duration_ms -> BigInt,
        container -> Text,
        codec -> Text,
        sample_rate_hz -> Nullable<BigInt>,
        channels -> Nullable<BigInt>,
        bit_depth -> Nullable<BigInt>,
        bit_rate_kbps -> Nullable<BigInt>,
        track_gain_db -> Nullable<Double>,
        track_peak -> Nullable<Double>,
        album_gain_db -> Nullable<Double>,
        album_peak -> Nullable<Double>,
        cover_id -> Nullable<BigInt>,
        missing -> Bool,
        added_us -> BigInt,
        change -> BigInt,
        other_titles -> Text,
        explicit -> Bool,
        composers -> Text,
        original_date -> Nullable<Text>,
    }
}

diesel::table! {
    unscaled_covers (id) {
        id -> BigInt,
        width -> Nullable<BigInt>,
        height -> Nullable<BigInt>,
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

diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(followed_artists -> users (user_id));
diesel::joinable!(login_codes -> users (user_id));
diesel::joinable!(login_networks -> users (user_id));
diesel::joinable!(logins -> users (user_id));
diesel::joinable!(playlist_items -> playlists (playlist_id));
diesel::joinable!(playlists -> users (owner_id));
diesel::joinable!(saved_albums -> users (user_id));
diesel::joinable!(saved_tracks -> users (user_id));

diesel::allow_tables_to_appear_in_same_query! {
    album_artists,
    albums,
    api_keys,
    artists,
    changes,
    departed_files,
    files,
    folders,
    followed_artists,
    former_albums,
    former_artists,
    genres,
    gone_playlists,
    login_codes,
    login_networks,
    logins,
    merged_tracks,
    nodes,
    play_counts,
    playlist_items,
    playlists,
    plays,
    revocations,
    saved_albums,
    saved_tracks,
    secrets,
    session_queues,
    sessions,
    sort_names,
    stale_titles,
    track_albums,
    track_artists,
    track_genres,
    tracks,
    unscaled_covers,
    users,
}
