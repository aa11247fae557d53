//! How much of our trace store strangers may fill.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry::Context;
use opentelemetry::metrics::Counter;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags};

use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// Grants callers their decision to sample, up to a rate: a `traceparent` is metadata that anybody can send.
///
/// What goes beyond is not sampled; it keeps its trace id, so that log lines and errors still tell which trace they belong to.
#[derive(Debug)]
pub(crate) struct CallerTraces {
    /// None: no caller's decision counts.
    rate: Option<DefaultDirectRateLimiter>,
    clamped: Counter<u64>,
}

impl CallerTraces {
    /// `per_second` traces of callers, and as many at once.
    pub(crate) fn new(identity: Identity, per_second: u32) -> Self {
        let rate = NonZeroU32::new(per_second).map(|rate| RateLimiter::direct(Quota::per_second(rate)));
        let clamped = meter(identity)
            .u64_counter(names::RPC_SERVER_TRACES_CLAMPED)
            .with_unit("{trace}")
            .with_description("Traces that callers asked to be sampled, and that were not.")
            .build();
        Self { rate, clamped }
    }

    /// The caller's context, its decision granted or not.
    pub(super) fn limit(&self, caller: Context) -> Context {
        let asked = caller.span().span_context().clone();
        if !asked.is_sampled() || self.rate.as_ref().is_some_and(|rate| rate.check().is_ok()) {
            return caller;
        }
        self.clamped.add(1, &[]);
        caller.with_remote_span_context(unsampled(&asked))
    }
}

fn unsampled(asked: &SpanContext) -> SpanContext {
    SpanContext::new(asked.trace_id(), asked.span_id(), TraceFlags::default(), true, asked.trace_state().clone())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceId, TraceState};

    use super::*;

    fn caller(flags: TraceFlags) -> Context {
        let context = SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, TraceState::default());
        Context::new().with_remote_span_context(context)
    }

    fn sampled(traces: &CallerTraces, flags: TraceFlags) -> bool {
        let limited = traces.limit(caller(flags));
        let context = limited.span().span_context().clone();
        assert_eq!(
            (context.trace_id(), context.span_id()),
            (TraceId::from(7), SpanId::from(8)),
            "the trace is the same"
        );
        context.is_sampled()
    }

    #[test]
    fn callers_get_as_many_traces_as_they_may_and_no_more() {
        let traces = CallerTraces::new(Identity { name: "test" }, 3);
        let granted = (0..100).filter(|_| sampled(&traces, TraceFlags::SAMPLED)).count();
        // The bucket may fill again a little while the test runs.
        assert!((3..50).contains(&granted), "{granted}");
    }

    #[test]
    fn zero_grants_nobody_anything_and_a_caller_that_does_not_sample_costs_nothing() {
        let none = CallerTraces::new(Identity { name: "test" }, 0);
        assert!(!sampled(&none, TraceFlags::SAMPLED));
        let one = CallerTraces::new(Identity { name: "test" }, 1);
        assert!(!sampled(&one, TraceFlags::default()));
        assert!(sampled(&one, TraceFlags::SAMPLED), "the one trace is still there");
    }
}
