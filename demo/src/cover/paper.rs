//! Motifs with light or paper-like backgrounds.

use std::f32::consts::TAU;

use super::super::number::{single, whole};
use super::canvas::{Colour, chance, inside, line};

/// Rows of hills before a low sun.
pub(super) fn hills(x: f32, y: f32) -> Colour {
    let mut colour = Colour::along(&[0x27_3b_55, 0x8a_5a_6b, 0xe8_8f_62, 0xf9_cf_86], y * 1.55);
    let sun = (x - 0.64).hypot(y - 0.42);
    colour = colour.mix(Colour::hex(0xff_e9_b8), 0.5 * (1.0 - sun / 0.42).max(0.0).powi(2));
    colour = colour.mix(Colour::hex(0xff_f3_d2), inside(sun - 0.115));
    for row in 0..6_u8 {
        let depth = f32::from(row) / 5.0;
        let wave = (x * (1.3 + 0.5 * depth) * TAU + 2.1 * f32::from(row)).sin() * 0.035
            + (x * (3.7 - depth) * TAU + 5.3 * f32::from(row)).sin() * 0.012;
        let crest = 0.5 + 0.088 * f32::from(row) + wave;
        let hill = Colour::along(&[0xd9_8b_6a, 0x9c_6f_63, 0x5f_64_58, 0x3a_55_4a, 0x21_3f_3a, 0x12_2a_2b], depth);
        // A hedge of small round trees on the nearer crests.
        let tree = if row >= 2 { trees(x, y, crest, row) } else { 1.0 };
        let below = inside((crest - y).min(tree));
        colour = colour.mix(hill.mix(Colour::hex(0xf9_cf_86), 0.18 * (1.0 - (y - crest) * 9.0).clamp(0.0, 1.0)), below);
    }
    colour
}

/// Distance to the nearest tree on a crest.
fn trees(x: f32, y: f32, crest: f32, row: u8) -> f32 {
    let spacing = 0.022 + 0.006 * f32::from(row);
    let cell = whole((x / spacing).floor());
    if chance(cell, i32::from(row), 3) < 0.62 {
        return 1.0;
    }
    let centre = (single(f64::from(cell)) + 0.5) * spacing;
    let size = spacing * (0.25 + 0.25 * chance(cell, i32::from(row), 4));
    (x - centre).hypot((y - crest + size * 0.9) * 0.8) - size
}

/// Layers of sea waves.
pub(super) fn waves(x: f32, y: f32) -> Colour {
    let mut colour = Colour::along(&[0xf3_e9_d8, 0xe6_dc_cc], y);
    let moon = (x - 0.3).hypot(y - 0.24);
    colour = colour.mix(Colour::hex(0xe4_5d_4a), inside(moon - 0.1));
    for row in 0..17_u8 {
        let depth = f32::from(row) / 16.0;
        let swell = 0.012 + 0.035 * depth;
        let crest = 0.3
            + 0.68 * depth.powf(1.15)
            + swell * (x * TAU * (2.6 - 1.3 * depth) + 1.9 * f32::from(row)).sin()
            + 0.4 * swell * (x * TAU * 4.1 + 0.7 * f32::from(row)).sin();
        let water = Colour::along(&[0x9f_c9_c4, 0x4f_9d_a6, 0x1f_6f_8b, 0x12_48_6b, 0x0b_24_47], depth);
        colour = colour.mix(water, inside(crest - y));
        let foam = line(y - crest - 0.004, 0.0012 + 0.0016 * depth);
        colour = colour.mix(Colour::hex(0xf6_f1_e4), 0.85 * foam);
    }
    colour
}

/// Overlapping round scales under a red sun, with rain over the whole picture.
pub(super) fn scales(x: f32, y: f32) -> Colour {
    let mut colour = Colour::along(&[0x1c_27_3c, 0x33_43_60, 0x6b_77_8c], y * 1.4);
    colour = colour.mix(Colour::hex(0xd6_3a_2f), inside((x - 0.5).hypot(y - 0.36) - 0.21));
    let radius = 0.1;
    let top = whole(((y - 0.5) / (radius * 0.5)).floor());
    // Lower rows lie over upper ones: paint the rows that can reach this point from the top down.
    for row in (top - 2).max(0)..=(top + 2).max(0) {
        let centre_y = 0.56 + single(f64::from(row)) * radius * 0.5;
        let shift = if row % 2 == 0 { 0.0 } else { radius };
        let column = ((x - shift) / (2.0 * radius)).round();
        let from_centre = (x - shift - column * 2.0 * radius).hypot(y - centre_y);
        let cover = inside(from_centre - radius);
        if cover <= 0.0 {
            continue;
        }
        let depth = single(f64::from(row)) / 9.0;
        let paint = Colour::along(&[0x2d_4a_66, 0x1d_35_57, 0x12_22_40], depth);
        colour = colour.mix(paint, cover);
        for ring in 0..4_u8 {
            let at = radius * (1.0 - 0.23 * f32::from(ring));
            colour = colour.mix(Colour::hex(0xe8_dc_c0), 0.9 * cover * line(from_centre - at + 0.004, 0.0016));
        }
    }
    let slant = x * 70.0 + y * 9.0;
    let lane = whole(slant.floor());
    let fall = (y * 3.0 + chance(lane, 0, 9) * 7.0).fract();
    let drop = line(slant.fract() - 0.5, 0.05) * inside((fall - 0.16) * 0.05);
    colour.mix(Colour::hex(0xf4_ef_e2), if chance(lane, 1, 9) > 0.55 { 0.45 * drop } else { 0.0 })
}

/// Quarter circles of cut paper.
pub(super) fn tiles(x: f32, y: f32) -> Colour {
    const PAPERS: [u32; 6] = [0xf4_e8_d0, 0xe3_6b_3d, 0x1f_7a_8c, 0xf2_b1_34, 0x2b_2d_42, 0xb5_d3_c3];
    let (column, row) = (whole((x * 5.0).floor()), whole((y * 5.0).floor()));
    let (u, v) = ((x * 5.0).fract(), (y * 5.0).fract());
    let paper = |salt: u64| {
        let pick = usize::try_from(whole((chance(column, row, salt) * 6.0).floor())).unwrap_or(0);
        (pick, PAPERS.get(pick).copied().unwrap_or(0))
    };
    let (ground, ground_colour) = paper(21);
    let (mut shape, mut shape_colour) = paper(22);
    if shape == ground {
        shape = (shape + 2) % 6;
        shape_colour = PAPERS.get(shape).copied().unwrap_or(0);
    }
    let accent = PAPERS.get((shape + 3) % 6).copied().unwrap_or(0);
    let (u, v) = match whole((chance(column, row, 23) * 4.0).floor()) {
        0 => (u, v),
        1 => (1.0 - u, v),
        2 => (u, 1.0 - v),
        _ => (1.0 - u, 1.0 - v),
    };
    let colour = Colour::hex(ground_colour);
    // Tiles are a fifth of the cover wide; distances are scaled back so that edges stay one pixel soft.
    let cut = |distance: f32| inside(distance / 5.0);
    let paint = Colour::hex(shape_colour);
    match whole((chance(column, row, 24) * 5.0).floor()) {
        0 => colour.mix(paint, cut((u - 0.5).hypot(v - 0.5) - 0.36)),
        1 => colour.mix(paint, cut(u.hypot(v) - 1.0)).mix(Colour::hex(accent), cut(u.hypot(v) - 0.5)),
        2 => colour.mix(paint, cut(u.hypot(v) - 1.0) * cut((u - 1.0).hypot(v - 1.0) - 1.0)),
        3 => colour.mix(paint, cut((u - 0.5).hypot(v) - 0.5) + cut((u - 0.5).hypot(v - 1.0) - 0.5)),
        _ => colour.mix(paint, cut(u.hypot(v) - 1.0)),
    }
}
