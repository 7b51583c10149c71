//! Figures over time as SVG.

use plotters::prelude::{
    ChartBuilder, Color as _, IntoDrawingArea as _, LineSeries, PathElement, RGBColor, SVGBackend, SeriesLabelPosition,
    WHITE,
};

/// Width and height, in pixels.
const SIZE: (u32, u32) = (860, 240);
/// Colours that differ for people who do not tell red from green (Okabe and Ito 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// A line of a plot: its name and its points, seconds and values.
pub(super) type Line = (&'static str, Vec<(f64, f64)>);

/// Draws lines over time.
///
/// # Errors
/// They cannot be drawn.
pub(super) fn plot(unit: &str, lines: &[Line]) -> Result<String, String> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max).max(1e-3);
    let last_s = most(&mut points().map(|point| point.0));
    let highest = most(&mut points().map(|point| point.1)) * 1.1;
    let mut svg = String::new();
    draw(&mut svg, unit, lines, last_s, highest).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw(
    svg: &mut String,
    unit: &str,
    lines: &[Line],
    last_s: f64,
    highest: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut builder = ChartBuilder::on(&area);
    builder.margin(8).x_label_area_size(28).y_label_area_size(64);
    let mut chart = builder.build_cartesian_2d(0.0..last_s, 0.0..highest)?;
    chart.configure_mesh().light_line_style(WHITE).x_desc("seconds").y_desc(unit).draw()?;
    for ((name, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let series = chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        series.label(*name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 14, y)], colour));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::UpperRight).background_style(WHITE.mix(0.8)).draw()?;
    area.present()?;
    drop(chart);
    Ok(())
}
