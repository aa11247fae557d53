//! Throughput and latency against load, as a picture.

use std::fmt::Display;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Point;
use crate::error::Error;

const WIDTH: u32 = 900;
const HEIGHT: u32 = 700;

/// Room between the largest value and the edge.
const HEADROOM: f64 = 1.05;

/// Draws the curve of a section into an SVG file: throughput above, latencies below.
pub(crate) fn draw(path: &Path, title: &str, points: &[Point]) -> Result<(), Error> {
    let area = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE).map_err(failed(path))?;
    let (above, below) = area.split_vertically(HEIGHT / 2);
    let completed = Line { name: "succeeded", colour: BLUE, of: |point| point.completed };
    let offered = Line { name: "offered", colour: BLACK, of: |point| point.offered };
    let p50 = Line { name: "p50", colour: BLUE, of: |point| point.p50_ms };
    let p99 = Line { name: "p99", colour: RED, of: |point| point.p99_ms };
    chart(&above, title, "calls/s", points, &[offered, completed]).map_err(failed(path))?;
    chart(&below, "", "ms from the moment a call was due", points, &[p50, p99]).map_err(failed(path))?;
    area.present().map_err(failed(path))
}

/// One value of each point.
struct Line {
    name: &'static str,
    colour: RGBColor,
    of: fn(&Point) -> f64,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn chart(
    area: &Area<'_>,
    title: &str,
    unit: &str,
    points: &[Point],
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let most = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).fold(0.0, f64::max) * HEADROOM;
    let x = most(&|point| point.offered);
    let y = lines.iter().map(|line| most(&line.of)).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..x, 0.0..y)?;
    chart.configure_mesh().x_desc("calls offered in a second").y_desc(unit).draw()?;
    for line in lines {
        let series: Vec<_> = points.iter().map(|point| (point.offered, (line.of)(point))).collect();
        let colour = line.colour;
        chart
            .draw_series(LineSeries::new(series, colour.stroke_width(2)).point_size(3))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw()?;
    Ok(())
}

fn failed<E: Display>(path: &Path) -> impl FnOnce(E) -> Error + use<E> {
    let what = format!("the picture {}", path.display());
    move |error| Error::Output { what, why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_picture_names_its_lines_and_axes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("write.svg");
        let point = |offered: f64, p99_ms: f64| Point { offered, completed: offered, p50_ms: 0.3, p99_ms };
        draw(&path, "CreateCase", &[point(1_000.0, 0.9), point(9_000.0, 4.0)]).expect("it can be drawn");
        let svg = fs::read_to_string(&path).expect("it is there");
        for text in ["CreateCase", "calls/s", "succeeded", "offered", "p50", "p99", "calls offered in a second"] {
            assert!(svg.contains(text), "{text} is missing");
        }
    }

    #[test]
    fn a_picture_that_cannot_be_written_says_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("missing/write.svg");
        let error = draw(&path, "CreateCase", &[]).expect_err("there is no such folder");
        assert!(error.line().contains("write.svg"), "{}", error.line());
    }
}
