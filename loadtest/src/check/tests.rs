//! Invented histories: each broken promise is found, and what is allowed is not.

use super::*;
use proptest::prelude::*;
use segue_client::protocol::ids::Micros;

const NOTHING: Expected = Expected { queue_length: None, position_ms: None };

fn stamp(epoch: u64, revision: u64) -> Stamp {
    Stamp { epoch, revision }
}

fn rules(check: &mut Check) -> Vec<Rule> {
    check.take().into_iter().map(|violation| violation.rule).collect()
}

/// A user with two devices that both show this revision.
fn agreed(revision: u64) -> (Check, Playback) {
    let mut check = Check::new(3, 2);
    check.playback(0, stamp(1, revision));
    check.playback(1, stamp(1, revision));
    (check, Playback::new(stamp(1, revision), Micros(0)))
}

#[test]
fn a_stamp_that_falls_is_found_on_its_device_alone() {
    let mut check = Check::new(0, 2);
    check.playback(0, stamp(1, 9));
    check.playback(1, stamp(1, 8));
    check.devices(0, stamp(1, 3));
    check.playback(0, stamp(2, 1));
    check.playback(0, stamp(2, 1));
    assert_eq!(rules(&mut check), [], "another device, another kind, a new epoch, the same again");
    check.playback(0, stamp(1, 10));
    check.devices(0, stamp(1, 2));
    assert_eq!(rules(&mut check), [Rule::Fell, Rule::Fell]);
}

#[test]
fn two_devices_that_sound_are_found_beyond_what_a_switch_allows() {
    let mut check = Check::new(0, 2);
    for (lasted_us, late_us, found) in [(40_000, 0, 0), (60_000, 25_000, 0), (41_000, 0, 1), (90_000, 25_000, 1)] {
        check.sounds(0, 0, 0, true);
        check.sounds(1_000, late_us, 1, true);
        check.sounds(1_000 + lasted_us, 0, 0, false);
        check.sounds(500_000, 0, 1, false);
        assert_eq!(rules(&mut check).len(), found, "{lasted_us} {late_us}");
    }
}

#[test]
fn an_overlap_that_lasts_to_the_end_is_found() {
    let (mut check, shown) = agreed(4);
    check.sounds(0, 0, 0, true);
    check.sounds(0, 0, 1, true);
    check.rests(50_000, &[Some(&shown), Some(&shown)], NOTHING);
    assert_eq!(rules(&mut check), [Rule::Overlap]);
}

#[test]
fn devices_that_show_different_states_are_found() {
    let (mut check, shown) = agreed(4);
    check.rests(0, &[Some(&shown), Some(&shown)], NOTHING);
    assert_eq!(rules(&mut check), []);
    let other = Playback { shuffle: true, ..shown.clone() };
    check.rests(0, &[Some(&shown), Some(&other)], NOTHING);
    check.rests(0, &[Some(&shown), None], NOTHING);
    check.rests(0, &[None, Some(&shown)], NOTHING);
    assert_eq!(rules(&mut check), [Rule::Disagree, Rule::Disagree, Rule::Disagree]);
}

#[test]
fn an_acknowledged_command_that_is_not_there_is_found() {
    let (mut check, shown) = agreed(4);
    check.acked(1, 4);
    assert!(check.is_at_rest(&[Some(&shown), Some(&shown)]));
    check.acked(1, 5);
    assert!(!check.is_at_rest(&[Some(&shown), Some(&shown)]));
    check.rests(0, &[Some(&shown), Some(&shown)], NOTHING);
    assert_eq!(rules(&mut check), [Rule::Missing]);
}

#[test]
fn a_last_command_without_its_effect_is_found() {
    let (mut check, mut shown) = agreed(4);
    (shown.queue_length, shown.position_ms, shown.intent) = (7, 1_500, Intent::Pause);
    let expected = |queue_length, position_ms| Expected { queue_length: Some(queue_length), position_ms };
    for (wanted, found) in [
        (expected(7, Some(1_500)), 0),
        (expected(8, Some(1_500)), 1),
        (expected(6, None), 1),
        (expected(7, Some(1_501)), 1),
    ] {
        check.rests(0, &[Some(&shown), Some(&shown)], wanted);
        assert_eq!(rules(&mut check).len(), found, "{wanted:?}");
    }
    shown.intent = Intent::Play;
    check.rests(0, &[Some(&shown), Some(&shown)], expected(7, Some(1_500)));
    assert_eq!(rules(&mut check), [Rule::Missing], "the last command was a pause");
}

#[test]
fn a_user_that_does_not_come_to_rest_is_found() {
    let (mut check, shown) = agreed(4);
    let reported = Playback { position_ms: 7, ..shown.clone() };
    assert!(!check.is_at_rest(&[Some(&reported), Some(&shown)]));
    assert!(!check.is_at_rest(&[None, Some(&shown)]));
    let others = Playback { revision: 5, ..reported.clone() };
    assert!(check.is_at_rest(&[Some(&reported), Some(&others)]), "it was not sent its own report");
    check.unsettled("device 1 was shown less".to_owned());
    assert_eq!(rules(&mut check), [Rule::Unsettled]);
}

proptest! {
    #[test]
    fn a_history_that_keeps_the_promises_has_no_violation(
        steps in prop::collection::vec((0_usize..3, 0_u64..4), 1..100),
    ) {
        let mut check = Check::new(0, 3);
        let mut newest = 0;
        let mut shown = [0; 3];
        for (device, more) in steps {
            newest += more;
            shown[device] = newest;
            check.playback(device, stamp(1, newest));
            check.acked(device, newest);
        }
        for device in 0..3 {
            check.playback(device, stamp(1, newest));
        }
        let playback = Playback::new(stamp(1, newest), Micros(0));
        prop_assert!(check.is_at_rest(&[Some(&playback); 3]));
        check.rests(0, &[Some(&playback); 3], NOTHING);
        prop_assert_eq!(check.take(), []);
    }

    #[test]
    fn any_step_back_is_found(revisions in prop::collection::vec(1_u64..50, 2..20)) {
        let mut check = Check::new(0, 1);
        for revision in &revisions {
            check.playback(0, stamp(1, *revision));
        }
        let falls = revisions.windows(2).filter(|pair| pair[1] < pair[0]).count();
        prop_assert_eq!(check.take().len(), falls);
    }
}
