//! All sockets of a server end at once, and all devices come back.

use super::socket::{Socket, command, hello_of, play, track, with_music};
use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use segue_client::protocol::{ids::Stamp, wire::ServerMessage};

const USERS: usize = 20;
const DEVICES: u64 = 3;

on_both_databases! {
    async fn t80_all_devices_come_back_at_once_without_the_catalogue_and_the_accounts(database) {
        let server = with_music(&database).await;
        let (mut tokens, mut sockets, mut items) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..USERS {
            let user = server.user(&database, &format!("user{number}")).await;
            for device in 1..=DEVICES {
                sockets.push(Socket::join(&server, &user.token, device).await.0);
            }
            let first = sockets.last_mut().expect("it has joined");
            first.send(&command(1, play(track(&user).await))).await;
            items.push(first.shown(|shown| shown.item.is_some()).await.item);
            first.find(|message| matches!(message, ServerMessage::Ack { .. }).then_some(())).await;
            tokens.push(user.token.clone());
        }
        // From here on whatever needs one of these tables fails.
        let gone = ["files", "albums", "artists", "users", "playlists"]
            .map(|table| format!("ALTER TABLE {table} RENAME TO {table}_gone;"));
        let rename = |connection: &mut segue::db::DbConnection| Ok(connection.batch_execute(&gone.concat())?);
        database.open().write_blocking(rename).expect("renamed");
        drop(sockets);
        let server = &server;
        let back = tokens.iter().zip(&items).flat_map(|known| (1..=DEVICES).map(move |device| (known, device)));
        let back = back.map(async |((token, item), device)| {
            let mut socket = Socket::open(server, None).await.expect("the server upgrades");
            socket.send(&hello_of(Some(token), (device, device), Some(Stamp::default()))).await;
            let welcome = socket.welcome().await;
            assert_eq!(&welcome.playback.item, item, "it plays what it played");
            assert_eq!(welcome.devices.devices.len(), usize::try_from(DEVICES).expect("few"), "nobody has left the list");
            socket
        });
        assert_eq!(join_all(back).await.len(), USERS * 3);
    }
}
