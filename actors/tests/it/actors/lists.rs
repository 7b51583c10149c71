//! Commands that name a list, notices of what the user keeps, and names in the list of devices.

use super::*;
use segue_actors::protocol::ids::ListId;
use segue_actors::protocol::messages::{TrackList, TrackOrder};
use segue_actors::protocol::wire::Library;

/// The catalogue of a node has 99 tracks, 1 to 99, in each list.
const ALL: usize = 99;

fn list(list: TrackList, start: Option<usize>, track: Option<u64>, shuffle: Option<bool>) -> Op<MediaId> {
    Op::PlayList { list, tracks: Vec::new(), start, track: track.map(MediaId), shuffle, on: None }
}

fn acked(messages: &[ServerMessage]) -> Vec<(u64, Option<usize>)> {
    let ack = |message: &ServerMessage| match message {
        ServerMessage::Ack { revision, queue_length, .. } => Some((*revision, *queue_length)),
        _ => None,
    };
    messages.iter().filter_map(ack).collect()
}

fn current(device: &Device) -> Option<u64> {
    device.playback.as_ref()?.item.map(|item| item.media_id.0)
}

#[actix::test]
async fn a_list_is_played_whole_by_one_command_however_often_it_is_sent() {
    tokio::time::pause();
    let nodes = Arc::new(MemoryNodes::first(NodeId(1)));
    let node = Node::set(Arc::default(), nodes, None, |world| world.limits.tracks_per_command = 10);
    let mut kitchen = node.join("anna", "Kitchen", 1).await;
    let op = || list(TrackList::Tracks { sort: TrackOrder::Name }, Some(97), Some(99), None);
    kitchen.command(11, op());
    kitchen.settle().await;
    let first = acked(&kitchen.take_rest());
    assert_eq!(first.iter().map(|(_, length)| *length).collect::<Vec<_>>(), [Some(ALL)]);
    assert_eq!(current(&kitchen), Some(99), "the track that was seen, though it is at another place now");
    let shown = kitchen.playback.clone();
    kitchen.command(11, op());
    kitchen.settle().await;
    assert_eq!(acked(&kitchen.take_rest()), first, "the answer of before");
    assert_eq!(kitchen.playback, shown, "and nothing is done again");
    let mut next_run = node.again().join("anna", "Phone", 2).await;
    next_run.settle().await;
    let stored = next_run.playback.as_ref().map(|shown| (shown.queue_length, shown.item.map(|item| item.media_id)));
    assert_eq!(stored, Some((ALL, Some(MediaId(99)))), "what was acknowledged is in the database");
}

#[actix::test]
async fn a_list_is_shuffled_by_the_command_that_plays_it() {
    let (_node, mut kitchen) = one_device(&[]).await;
    kitchen.command(11, list(TrackList::Saved, None, None, Some(true)));
    kitchen.settle().await;
    let playback = kitchen.playback.clone().expect("it is shown");
    assert_eq!((playback.shuffle, playback.queue_length), (true, ALL));
    let first = current(&kitchen).expect("a track plays");
    assert_ne!((first, playback.next.map(|item| item.media_id.0)), (1, Some(2)), "another order than that of the list");
    kitchen.command(12, Op::Shuffle { on: false });
    kitchen.settle().await;
    let next = kitchen.playback.as_ref().and_then(|shown| shown.next).map(|item| item.media_id.0);
    assert_eq!(next, Some(first + 1).filter(|next| *next <= 99), "the order of the list comes back");
    kitchen.command(13, list(TrackList::Album { id: ListId(7) }, None, None, Some(false)));
    kitchen.settle().await;
    assert_eq!(current(&kitchen), Some(1));
}

#[actix::test]
async fn a_list_that_is_not_there_changes_nothing() {
    let (node, mut kitchen) = one_device(&[1]).await;
    let shown = kitchen.playback.clone();
    kitchen.take_rest();
    kitchen.command(11, list(TrackList::Playlist { id: ListId(7) }, None, None, Some(true)));
    kitchen.command(12, list(TrackList::Saved, Some(ALL), None, Some(true)));
    kitchen.settle().await;
    assert_eq!(rejects(&kitchen.take_rest()), ["Invalid", "Invalid"]);
    node.tracks.hold(true);
    kitchen.command(13, list(TrackList::Saved, None, None, None));
    pass(3_000).await;
    kitchen.settle().await;
    assert_eq!(rejects(&kitchen.take_rest()), ["Unavailable"], "the catalogue does not answer");
    assert_eq!(kitchen.playback.as_ref().map(Playback::stamp), shown.as_ref().map(Playback::stamp));
}

fn libraries(device: &mut Device) -> Vec<Library> {
    let library = |message| match message {
        ServerMessage::Library(library) => Some(library),
        _ => None,
    };
    device.take_rest().into_iter().filter_map(library).collect()
}

#[actix::test]
async fn what_the_user_keeps_is_told_to_each_of_the_users_devices_and_many_changes_by_few_frames() {
    let (node, mut kitchen, mut phone) = two_devices().await;
    let mut other = node.join("bert", "Phone", 3).await;
    let at_first = kitchen.welcome.as_ref().expect("it is welcomed").library;
    node.has_changed(LibraryChange::Saved);
    kitchen.settle().await;
    let told = libraries(&mut kitchen);
    assert_eq!(told.len(), 1);
    assert!(told[0].saved_us > at_first.saved_us && told[0].playlists_us == at_first.playlists_us, "{told:?}");
    phone.settle().await;
    assert_eq!(libraries(&mut phone), told);
    for _ in 0..1_000 {
        node.has_changed(LibraryChange::Saved);
        node.has_changed(LibraryChange::Playlists);
    }
    kitchen.settle().await;
    assert_eq!(libraries(&mut kitchen), [], "not before 250 ms have passed");
    pass(1_000).await;
    kitchen.settle().await;
    let later = libraries(&mut kitchen);
    assert_eq!(later.len(), 1, "all of them are told by one frame");
    assert!(later[0].saved_us > told[0].saved_us && later[0].playlists_us > told[0].playlists_us, "{later:?}");
    let late = node.join("anna", "Attic", 4).await;
    assert_eq!(
        late.welcome.as_ref().map(|welcome| welcome.library),
        Some(later[0]),
        "a device that comes later knows it"
    );
    other.settle().await;
    assert_eq!(libraries(&mut other), [], "nothing of another user");
}

#[actix::test]
async fn a_device_that_was_away_sees_in_its_welcome_that_something_has_changed() {
    let (node, mut kitchen, _phone) = two_devices().await;
    let before = kitchen.welcome.as_ref().expect("it is welcomed").library;
    kitchen.cut();
    pass(100).await;
    node.has_changed(LibraryChange::Playlists);
    let again = node.join("anna", "Kitchen", 1).await;
    let after = again.welcome.as_ref().expect("it is welcomed").library;
    assert_eq!(after.saved_us, before.saved_us);
    assert!(after.playlists_us > before.playlists_us);
}

#[actix::test]
async fn devices_that_give_themselves_one_name_are_listed_under_two() {
    let (node, mut first) = one_device(&[]).await;
    let second = node.join("anna", "Kitchen", 2).await;
    assert_eq!(second.names(), ["Kitchen", "Kitchen (2)"]);
    let again = node.join("anna", "Kitchen", 2).await;
    assert_eq!(again.names(), ["Kitchen", "Kitchen (2)"], "it comes back under the same name");
    first.settle().await;
    assert_eq!(first.names(), ["Kitchen", "Kitchen (2)"]);
    first.cut();
    pass(100).await;
    let third = node.join("anna", "Kitchen", 3).await;
    assert_eq!(third.names(), ["Kitchen", "Kitchen (2)", "Kitchen"], "one that is away may be gone for good");
}
