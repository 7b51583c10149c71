//! Motifs with dark backgrounds.

use std::f32::consts::TAU;

use super::super::number::{single, whole};
use super::canvas::{Colour, chance, inside, line};

/// Glowing rings in the shape of petals.
pub(super) fn rings(x: f32, y: f32) -> Colour {
    let (dx, dy) = (x - 0.5, y - 0.52);
    let (radius, angle) = (dx.hypot(dy), dy.atan2(dx));
    let mut colour = Colour::along(&[0x1b_10_3a, 0x0d_09_22, 0x07_05_14], radius * 1.5);
    for ring in 0..15_u8 {
        let n = f32::from(ring);
        let petals = 0.5 + 0.5 * (angle * 6.0 + n * 0.34).cos();
        let edge = 0.035 + n * 0.024 + 0.05 * (n / 15.0) * petals;
        let ink = Colour::along(&[0xff_f4_c2, 0xff_7e_6b, 0xe0_3c_8a, 0x7a_3c_e0, 0x2f_86_f0, 0x2a_e0_d0], n / 14.0);
        let distance = radius - edge;
        colour = colour.glow(ink, 0.75 * line(distance, 0.0022));
        colour = colour.glow(ink, 0.13 * (-(distance * 70.0).powi(2)).exp());
    }
    colour.glow(Colour::hex(0xff_e8_b0), 0.8 * (-(radius * 22.0).powi(2)).exp())
}

/// Planets on their orbits.
pub(super) fn orbits(x: f32, y: f32) -> Colour {
    let mut colour = Colour::along(&[0x0c_14_2c, 0x16_22_44, 0x2a_2a_55], (x + y) * 0.5);
    let (column, row) = (whole((x * 60.0).floor()), whole((y * 60.0).floor()));
    if chance(column, row, 31) > 0.94 {
        let star = ((x * 60.0).fract() - 0.5).hypot((y * 60.0).fract() - 0.5) / 60.0;
        colour = colour.glow(Colour::hex(0xdf_e6_ff), 0.8 * chance(column, row, 32) * inside(star - 0.0012));
    }
    let (dx, dy) = (x - 0.18, y - 0.84);
    let from_sun = dx.hypot(dy);
    colour = colour.glow(Colour::hex(0xff_b0_60), 0.5 * (-(from_sun * 5.0).powi(2)).exp());
    let planets: [(f32, f32, f32, u32); 5] = [
        (0.24, -0.45, 0.02, 0xc9_a2_7a),
        (0.38, -1.1, 0.036, 0xe8_c9_8a),
        (0.54, -0.28, 0.044, 0x5f_a8_b8),
        (0.72, -0.86, 0.072, 0xd8_6a_4a),
        (0.9, -0.5, 0.05, 0x8f_8a_d8),
    ];
    for (orbit, _, _, _) in planets {
        colour = colour.mix(Colour::hex(0xf2_e6_c8), 0.55 * line(from_sun - orbit, 0.0011));
    }
    colour = colour.mix(Colour::hex(0xff_dd_9a), inside(from_sun - 0.11));
    for (index, (orbit, angle, size, paint)) in planets.into_iter().enumerate() {
        let (cx, cy) = (0.18 + orbit * angle.cos(), 0.84 + orbit * angle.sin());
        let (px, py) = (x - cx, y - cy);
        let disc = inside(px.hypot(py) - size);
        // Lit from the sun's side.
        let light = (-(px * angle.cos() + py * angle.sin()) / size) * 0.5 + 0.5;
        let bands = 0.12 * ((py + 0.3 * px) / size * 9.0).sin();
        let day = Colour::hex(paint).mix(Colour::hex(0xff_f4_dc), bands.max(0.0));
        colour = colour.mix(Colour::hex(0x0a_10_24).mix(day, light * 1.25), disc);
        if index == 3 {
            let (along, across) = (px * 0.94 - py * 0.34, px * 0.34 + py * 0.94);
            let ring = along.hypot(across * 3.4);
            let front = if across > 0.0 { 1.0 } else { 1.0 - disc };
            colour = colour.mix(Colour::hex(0xf2_e0_b8), 0.9 * front * line(ring - size * 1.65, 0.011));
        }
    }
    colour
}

/// A street of lit windows at night, tram wires above, a moon.
pub(super) fn windows(x: f32, y: f32) -> Colour {
    let mut colour = Colour::along(&[0x0e_1a_33, 0x24_2f_57, 0x5a_46_6e, 0xb0_66_6a], y * 1.35);
    let moon = (x - 0.74).hypot(y - 0.2);
    colour = colour.glow(Colour::hex(0xff_ee_cc), 0.25 * (-(moon * 6.0).powi(2)).exp());
    colour =
        colour.mix(Colour::hex(0xfd_f3_d8), inside(moon - 0.075) * (1.0 - inside((x - 0.7).hypot(y - 0.185) - 0.07)));
    for layer in 0..3_u8 {
        let near = f32::from(layer);
        let width = 0.11 + 0.035 * near;
        let house = whole(((x + 0.037 * near) / width).floor());
        let place = ((x + 0.037 * near) / width).fract();
        let height = 0.3 + 0.15 * near + 0.16 * chance(house, i32::from(layer), 41);
        let top = 0.34 + 0.13 * near + 0.2 * chance(house, i32::from(layer), 42) - 0.02 * height;
        let roof = if chance(house, i32::from(layer), 43) > 0.5 { (place - 0.5).abs() * 0.09 - 0.045 } else { 0.0 };
        let wall = Colour::along(&[0x3d_35_60, 0x26_25_48, 0x12_14_2c], near / 2.0);
        colour = colour.mix(wall, inside(top + roof - y));
        if y > top + 0.025 {
            let (across, down) = (place * (3.0 + near), (y - top) / 0.05);

            let lit = chance(whole(across.floor()) + 31 * house, whole(down.floor()) + 97 * i32::from(layer), 44);
            let pane = inside(((across.fract() - 0.5).abs() - 0.24).max((down.fract() - 0.5).abs() - 0.27) * 0.04);
            let lamp = Colour::along(&[0xff_c8_5a, 0xff_e9_a8, 0xf0_90_5a], (lit * 37.0).fract());
            if lit > 0.62 {
                colour = colour.mix(lamp, pane);
            } else {
                colour = colour.mix(Colour::hex(0x0a_0c_1e), 0.5 * pane);
            }
        }
    }
    let ground = inside(0.9 - y);
    colour = colour.mix(Colour::hex(0x0a_0b_18), ground);
    for rail in [0.925, 0.955] {
        colour = colour.mix(Colour::hex(0xf0_b0_6a), 0.8 * line(y - rail, 0.0016));
    }
    let sag = 0.1 + 0.03 * ((x - 0.5) * 2.0).powi(2);
    colour.mix(Colour::hex(0x05_07_12), line(y - sag, 0.0014).max(line(y - sag - 0.035 - 0.02 * x, 0.0014)))
}

/// A bird made of large pixels under a sky of large pixels.
pub(super) fn pixels(x: f32, y: f32) -> Colour {
    /// The heron: `#` body, `+` shade, `o` eye, `>` beak, `|` leg.
    const HERON: [&str; 16] = [
        "....###.........",
        "...##o##>>>>....",
        "..+#####........",
        "..+.###.........",
        "....###.........",
        "...###..........",
        "..###...........",
        "..###.####......",
        "..##########....",
        "..+###########..",
        "..++######+++##.",
        "...++####+++..##",
        ".....++++.......",
        "......|.|.......",
        "......|.|.......",
        ".....||.||......",
    ];
    let (column, row) = (whole((x * 24.0).floor()), whole((y * 24.0).floor()));
    let height = single(f64::from(row)) / 24.0;
    let step = (height * 8.0 + 0.45 * chance(column, row, 51)).floor() / 8.0;
    let mut colour =
        Colour::along(&[0x1a_2a_6c, 0x3a_5f_c8, 0x5f_b4_e8, 0xb8_ec_f0, 0xff_d9_a8, 0xff_a8_7a], step * 1.12);
    if (column - 18).pow(2) + (row - 6).pow(2) < 8 {
        colour = Colour::hex(0xff_f2_9a);
    }
    for (cloud_x, cloud_y, half) in [(5, 3, 3), (20, 11, 3), (2, 9, 2)] {
        let inner = i32::from(row == cloud_y - 1);
        if (row == cloud_y || row == cloud_y - 1) && (column - cloud_x).abs() <= half - inner {
            colour = Colour::hex(0xf8_fc_ff);
        }
    }
    if row >= 20 {
        let ripple = (column + row * 2).rem_euclid(5) == 0;
        colour = Colour::hex(if ripple { 0x6f_d8_d0 } else { 0x1f_7a_8c });
    }
    let cell = usize::try_from(row - 6).ok().and_then(|line| HERON.get(line));
    let sign = usize::try_from(column - 4).ok().and_then(|place| cell?.as_bytes().get(place));
    match sign {
        Some(b'#') => Colour::hex(0xf2_f4_ff),
        Some(b'+') => Colour::hex(0x8f_9a_c8),
        Some(b'o') => Colour::hex(0x10_12_2c),
        Some(b'>' | b'|') => Colour::hex(0xff_8a_2a),
        _ => colour,
    }
}

/// Lights over black water.
pub(super) fn lanterns(x: f32, y: f32) -> Colour {
    let shore = 0.56;
    // Below the shore line the scene is mirrored, stretched and distorted by waves.
    let wet = y > shore;
    let shake = if wet { 0.012 * (y * 150.0).sin() * (y - shore) * 4.0 } else { 0.0 };
    let (seen_x, seen_y) = if wet { (x + shake, shore - (y - shore) * 0.92) } else { (x, y) };
    let mut colour = Colour::along(&[0x0a_0e_22, 0x14_1a_3a, 0x3a_25_4e, 0x6a_35_50], seen_y * 1.7);
    for lamp in 0..34_i32 {
        let (cx, cy) = (chance(lamp, 0, 61), 0.06 + 0.44 * chance(lamp, 1, 61).powf(0.8));
        let size = 0.008 + 0.034 * chance(lamp, 2, 61).powi(3);
        let glow = Colour::along(&[0xff_d2_7a, 0xff_8a_4a, 0xf0_5a_6a, 0x7a_d8_e0], chance(lamp, 3, 61));
        let distance = (seen_x - cx).hypot((seen_y - cy) * 0.86);
        colour = colour.glow(glow, 0.3 * (-(distance / (size * 2.6)).powi(2)).exp());
        colour = colour.mix(glow.mix(Colour::hex(0xff_f6_dc), 0.45), 0.95 * inside(distance - size * 0.62));
    }
    let ridge = shore - 0.03 - 0.025 * (x * TAU * 1.3).sin() - 0.012 * (x * TAU * 4.7 + 1.0).sin();
    if wet {
        let depth = (y - shore) / (1.0 - shore);
        colour = colour.mix(Colour::hex(0x05_07_14), 0.25 + 0.5 * depth);
        let ripple = line(((y * 62.0 + (x * 9.0).sin() * 0.6).fract() - 0.5) * 0.016, 0.0012);
        colour.glow(Colour::hex(0x6a_6a_9a), 0.12 * ripple * (1.0 - depth))
    } else {
        colour.mix(Colour::hex(0x07_08_17), inside(ridge - y))
    }
}
