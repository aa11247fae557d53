//! Lines that nobody will read: counted, and told of.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tracing::warn;

use super::outlet::Outlet;
use crate::telemetry::names;

/// Why a line is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Whoever reads standard output does not keep up, or has stopped.
    BufferFull,
    /// Standard output is closed, or its disk is full.
    WriteFailed,
}

impl Cause {
    const ALL: [Self; 2] = [Self::BufferFull, Self::WriteFailed];

    const fn name(self) -> &'static str {
        match self {
            Self::BufferFull => names::LOG_BUFFER_FULL,
            Self::WriteFailed => names::LOG_WRITE_FAILED,
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::BufferFull => "they were not read as fast as they came, and the buffer was full",
            Self::WriteFailed => "standard output did not take them: its disk was full, or nobody had it open",
        }
    }
}

/// How many lines were lost, by cause.
#[derive(Debug, Default)]
pub(super) struct Losses {
    counted: [AtomicU64; 2],
    told: [AtomicU64; 2],
}

impl Losses {
    pub(super) fn add(&self, cause: Cause, lines: u64) {
        self.counted[cause as usize].fetch_add(lines, Ordering::Relaxed);
    }

    /// Since the start.
    pub(super) fn total(&self, cause: Cause) -> u64 {
        self.counted[cause as usize].load(Ordering::Relaxed)
    }

    /// What nobody was told of yet: from now on it counts as told.
    pub(super) fn news(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().filter_map(|cause| {
            let total = self.total(cause);
            let lines = total - self.told[cause as usize].swap(total, Ordering::Relaxed);
            (lines > 0).then_some((cause, lines))
        })
    }
}

/// Tells of losses in lines, in their place: after what was written before them.
pub(super) fn log_them(losses: &Losses) {
    for (cause, lines) in losses.news() {
        let (lines_total, reason) = (losses.total(cause), cause.name());
        warn!(name: names::LOG_LINES_LOST, lines, lines_total, reason,
            "{lines} log lines were lost, {lines_total} since the start: {}", cause.in_words());
    }
}

/// Measures losses from now on.
pub(super) fn observe(provider: &SdkMeterProvider, outlet: &Outlet) {
    let outlet = outlet.clone();
    let attributes = Cause::ALL.map(|cause| (cause, [KeyValue::new(names::LOG_LOSS_CAUSE, cause.name())]));
    let _lost = provider
        .meter("service-kit")
        .u64_observable_counter(names::LOG_LINES_DROPPED)
        .with_unit("{line}")
        .with_description("Log lines that were lost on their way to standard output.")
        .with_callback(move |observer| {
            for (cause, attributes) in &attributes {
                observer.observe(outlet.losses().total(*cause), attributes);
            }
        })
        .build();
}
