//! Devices come, go and are missed; restarts; volumes (R2, R6, R8, R15).

use crate::scenario::run;
use expect_test::expect;

#[test]
fn t50_a_dead_active_device_is_lost_where_it_was_last_heard_of() {
    let transcript = run("
        a plays t1 beside b
        +20000
        a is lost since 5000
        +9999
        +1
        b: pause
        b: seek 40000
        b: play
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +20000
        a is lost since 5000
          commit soon
          r6 play/lost i0@15000 a:r4 after[] next - turn r4
          devices [a away, b]
        +9999
        +1
          devices [b]
        b: pause
          commit now
          ack b r8
          r8 pause/lost i0@15000 a:r4 after[] next - turn r8
        b: seek 40000
          commit now
          ack b r9
          r9 pause/lost i0@40000 a:r4 after[] next - turn r9
        b: play
          commit now
          ack b r10
          r10 play/starting i0@40000 b:r10 after[] next - turn r10
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_lost_holder_that_returns_goes_on_and_obeys_what_was_commanded_meanwhile() {
    let transcript = run("
        a joins
        b joins as remote
        a: play t1 t2
        a reports playing 0
        +20000
        a is lost
        b: play
        b: next
        a returns
        a reports playing 0
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        b joins as remote
          welcome b
          devices [a, b]
        a: play t1 t2
          commit now
          ack a r4
          r4 play/starting i0@0 a:r4 after[] next i1 turn r4
        a reports playing 0
          commit soon
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +20000
        a is lost
          commit soon
          r6 play/lost i0@20000 a:r4 after[] next i1 turn r4
          devices [a away, b]
        b: play
          reject b Offline: the active device is out of contact
        b: next
          commit now
          ack b r7
          r7 play/lost i1@0 a:r4 after[] next - turn r7
        a returns
          welcome a
          devices [a, b]
        a reports playing 0
          commit soon
          r9 play/playing i1@0 a:r4 after[] next - turn r7
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_clean_leave_of_the_holder_pauses() {
    let transcript = run("
        a plays t1 beside b
        +20000
        a leaves
        b: play
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        +20000
        a leaves
          commit soon
          r6 pause/paused i0@20000 nobody after[] next - turn r6
          devices [b]
        b: play
          commit now
          ack b r7
          r7 play/starting i0@20000 b:r7 after[] next - turn r7
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t51_a_new_socket_of_the_same_instance_takes_the_place_of_the_old_one() {
    let transcript = run("
        a plays t1
        a returns
        a reports playing 0
    ");
    expect![[r#"
        a plays t1
          r4 play/playing i0@0 a:r3 after[] next - turn r3
        a returns
          close old socket replaced
          welcome a
          devices [a]
        a reports playing 0
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_restart_keeps_turn_and_lease_and_the_holder_goes_on() {
    let transcript = run("
        a plays t1 t2 beside b
        +20000
        restart
        b returns
        b: pause
        b: play
        a returns
        a reports playing 23000
        +16000
    ");
    expect![[r#"
        a plays t1 t2 beside b
          r5 play/playing i0@0 a:r4 after[] next i1 turn r4
        +20000
        restart
          r6 play/lost i0@20000 a:r4 after[] next i1 turn r4
        b returns
          welcome b
          devices [a away, b]
        b: pause
          commit now
          ack b r8
          r8 pause/lost i0@20000 a:r4 after[] next i1 turn r8
        b: play
          commit now
          ack b r9
          r9 play/starting i0@20000 b:r9 after[] next i1 turn r9
        a returns
          welcome a
          devices [a, b]
        a reports playing 23000
          show playback to a
        +16000
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_resent_command_is_answered_and_not_applied_again() {
    let transcript = run("
        a plays t1 t2 t3
        a: next
        a: again
        restart
        a returns
        a: again
    ");
    expect![[r#"
        a plays t1 t2 t3
          r4 play/playing i0@0 a:r3 after[] next i1 turn r3
        a: next
          commit now
          ack a r5
          r5 play/starting i1@0 a:r3 after[] next i2 turn r5
        a: again
          ack a r5
        restart
          r6 play/lost i1@0 a:r3 after[] next i2 turn r5
        a returns
          welcome a
          devices [a]
        a: again
          ack a r5
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t70_volume_is_unknown_until_said_and_belongs_to_its_device() {
    let transcript = run("
        a joins
        b joins
        b: volume a +10
        a turns volume 30 knowing 0
        b: volume a +10
        a turns volume 50 knowing 0
        a turns volume 60 knowing 1
        b: volume a 101
        b: volume nobody 5
        b: rename a  Living room
        a is lost
        +10000
        a joins anew
    ");
    expect![[r#"
        a joins
          welcome a
          devices [a]
        b joins
          welcome b
          devices [a, b]
        b: volume a +10
          reject b Conflict: the volume of that device is not known yet; send a level
        a turns volume 30 knowing 0
          devices [a 30% v0, b]
        b: volume a +10
          commit now
          ack b r5
          devices [a 40% v1, b]
        a turns volume 50 knowing 0
          show devices to a
        a turns volume 60 knowing 1
          devices [a 60% v1, b]
        b: volume a 101
          reject b Invalid: volume needs a level from 0 to 100, a delta, or muted
        b: volume nobody 5
          reject b Invalid: no such device; see the list of devices
        b: rename a  Living room
          commit now
          ack b r7
          devices [Living room 60% v1, b]
        a is lost
          devices [Living room away 60% v1, b]
        +10000
          devices [b]
        a joins anew
          welcome a
          devices [b, Living room 60% v1]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn t82_idle_devices_make_no_revisions() {
    let transcript = run("
        a plays t1 beside b c
        b: pause
        a reports paused 0
        +3600000
    ");
    expect![[r#"
        a plays t1 beside b c
          r6 play/playing i0@0 a:r5 after[] next - turn r5
        b: pause
          commit now
          ack b r7
          r7 pause/paused i0@0 a:r5 after[] next - turn r7
        a reports paused 0
        +3600000
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn who_left_before_a_restart_is_remembered_whatever_the_clock_became() {
    let transcript = run("
        kitchen joins
        phone joins as remote
        phone: play t1 t2 on kitchen
        phone leaves
        +7200000
        restart
        +20000
        phone returns
        phone: again
    ");
    assert!(transcript.contains("devices []"), "the kitchen has gone since:\n{transcript}");
    assert!(transcript.ends_with("phone: again\n  ack phone r4\n"), "{transcript}");
}

/// Of the device and of the server, that counts which knows of more commands, also when the device was off the list and
/// when it comes back as another instance.
#[test]
fn a_device_that_left_the_list_gets_what_was_commanded_and_versions_never_fall() {
    let transcript = run("
        b joins
        a joins
        a is lost
        b: volume a 30
        +20000
        b: volume a 40
        a knows volume 80 version 0
        a returns
        a is lost
        +20000
        a knows volume 50 version 1
        a joins anew
        a is lost
        +20000
        a knows volume 60 version 7
        a returns
        b: volume a 20
        a turns volume 90 knowing 8
    ");
    expect![[r#"
        b joins
          welcome b
          devices [b]
        a joins
          welcome a
          devices [b, a]
        a is lost
          devices [b, a away]
        b: volume a 30
          commit now
          ack b r5
          devices [b, a away 30% v1]
        +20000
          devices [b]
        b: volume a 40
          reject b Invalid: no such device; see the list of devices
        a knows volume 80 version 0
        a returns
          welcome a
          devices [b, a 30% v1]
        a is lost
          devices [b, a away 30% v1]
        +20000
          devices [b]
        a knows volume 50 version 1
        a joins anew
          welcome a
          devices [b, a 50% v1]
        a is lost
          devices [b, a away 50% v1]
        +20000
          devices [b]
        a knows volume 60 version 7
        a returns
          welcome a
          devices [b, a 60% v7]
        b: volume a 20
          commit now
          ack b r14
          devices [b, a 20% v8]
        a turns volume 90 knowing 8
          devices [b, a 90% v8]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn each_volume_command_is_newer_and_none_travels_with_the_music() {
    let transcript = run("
        a plays t1 beside b
        b: volume a 30
        b: volume a 40
        a turns volume 50 knowing 1
        b: volume b 70
        b: transfer b
        b is ready
        a yields for the switch
        b: play on a
    ");
    expect![[r#"
        a plays t1 beside b
          r5 play/playing i0@0 a:r4 after[] next - turn r4
        b: volume a 30
          commit now
          ack b r6
          devices [a 30% v1, b]
        b: volume a 40
          commit now
          ack b r7
          devices [a 40% v2, b]
        a turns volume 50 knowing 1
          show devices to a
        b: volume b 70
          commit now
          ack b r8
          devices [a 40% v2, b 70% v1]
        b: transfer b
          commit now
          ack b r9
          r9 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b
        b is ready
          commit soon
          r10 play/playing i0@0 a:r4 after[] next - turn r4 transfer to b:r10 at 400
        a yields for the switch
          commit now
          r11 play/playing i0@0 b:r10 from 400 after[] next - turn r4
        b: play on a
          commit now
          ack b r12
          r12 play/starting i0@0 a:r12 from 400 after[b:r10] next - turn r12
    "#]]
    .assert_eq(&transcript);
}
