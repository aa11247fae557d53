//! The process itself, as metrics.

use std::time::{Duration, Instant};

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::clock::{Clock, SystemClock};
use crate::telemetry::names;

/// Measures memory and age of this process from now on.
pub(crate) fn observe(provider: &SdkMeterProvider) {
    let meter = provider.meter("service-kit");
    memory(&meter);
    let begun = Instant::now();
    let _uptime = meter
        .f64_observable_gauge(names::PROCESS_UPTIME)
        .with_unit("s")
        .with_description("How long the process has run.")
        .with_callback(move |observer| observer.observe(begun.elapsed().as_secs_f64(), &[]))
        .build();
    let started = Duration::from_micros(u64::try_from(SystemClock.unix_us()).unwrap_or_default()).as_secs_f64();
    let _started = meter
        .f64_observable_gauge(names::PROCESS_START_TIME)
        .with_unit("s")
        .with_description("When the process started, in seconds since 1970: each change is a restart.")
        .with_callback(move |observer| observer.observe(started, &[]))
        .build();
}

fn memory(meter: &Meter) {
    let _memory = meter
        .i64_observable_up_down_counter(names::PROCESS_MEMORY_USAGE)
        .with_unit("By")
        .with_description("The physical memory that the process has.")
        .with_callback(|observer| {
            // Where the platform does not tell, there is no point rather than a wrong one.
            if let Some(memory) = memory_stats::memory_stats() {
                observer.observe(i64::try_from(memory.physical_mem).unwrap_or(i64::MAX), &[]);
            }
        })
        .build();
}
