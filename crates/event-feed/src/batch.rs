//! Consecutive events on their way into a consumer, and the spans around them.

use std::time::Duration;

use case_api::event_pb::{Evidence, RecordedEvent};
use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt};
use service_kit::identity::Identity;
use service_kit::telemetry::{CallContext, remote_parent, remote_request};
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{Halt, SpanNames};

/// Older events get no span: their traces are over, and whoever looks at one must not find it come alive again.
pub const TRACE_AGE_MAX: Duration = Duration::from_mins(5);

/// Events that follow each other and the consumer's position without a gap. At least one.
#[derive(Debug)]
pub struct Batch {
    events: Vec<RecordedEvent>,
    last: u64,
    tracing: Option<Tracing>,
}

/// One event of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    /// The event as it was stored.
    pub record: &'a RecordedEvent,
    /// Its evidence.
    pub evidence: &'a Evidence,
    /// Whether it joins the trace of its request, and has a span if that trace is kept. Spans inside it (around its store
    /// operations) are opened only if it does: without it they would be traces of their own, thousands of them while a consumer
    /// rebuilds.
    pub is_traced: bool,
}

/// Which events get spans, and in whose name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tracing {
    pub(crate) identity: Identity,
    pub(crate) names: SpanNames,
    /// Events up to here are a rebuild's: they had their spans when they happened.
    pub(crate) above_position: u64,
    /// Events from before are too old ([`TRACE_AGE_MAX`]).
    pub(crate) since_unix_us: i64,
}

impl Batch {
    /// Checks that the events follow each other and `after`, the position before them.
    pub fn new(events: Vec<RecordedEvent>, after: u64) -> Result<Self, Halt> {
        let mut last = after;
        for event in &events {
            let evidence = event.evidence.as_ref().ok_or_else(|| {
                Halt::new(format!(
                    "the event after position {last} has no evidence: this program may be older than the feed; deploy \
                     consumers first"
                ))
            })?;
            if evidence.position.checked_sub(1) != Some(last) {
                return Err(Halt::new(format!(
                    "the feed went from position {last} to {}: events are missing or repeated. Compare the epochs and \
                     heads of feed and consumer; do not skip ahead",
                    evidence.position
                )));
            }
            last = evidence.position;
        }
        if events.is_empty() {
            return Err(Halt::new(format!("the feed sent an empty batch after position {after}")));
        }
        Ok(Self { events, last, tracing: None })
    }

    /// The position of the last event.
    pub const fn last_position(&self) -> u64 {
        self.last
    }

    /// When the last event happened, in microseconds since 1970.
    pub(crate) fn last_unix_us(&self) -> i64 {
        self.evidence().last().map_or(i64::MIN, |evidence| evidence.time_unix_us)
    }

    /// How many events there are.
    pub const fn len(&self) -> usize {
        self.events.len()
    }

    /// Never: [`Batch::new`] admits no empty batch.
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether any event joins the trace of its request, and so the batch has a trace too.
    pub fn is_traced(&self) -> bool {
        self.delivered().any(|event| event.is_traced)
    }

    /// The evidence of every event, in order: for what is said after the commit.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.delivered().map(|event| event.evidence)
    }

    /// Runs `apply` for every event in order, each in the trace of the request that caused it (with a span of its own there, if
    /// it is kept), up to the first error.
    pub fn each<E>(&self, mut apply: impl FnMut(Delivered<'_>) -> Result<(), E>) -> Result<(), E> {
        self.delivered().try_for_each(|event| match self.event_context(&event) {
            Some(context) => mark(&context, context.in_scope(|| apply(event))),
            None => apply(event),
        })
    }

    /// Events from now on get the spans that `tracing` says.
    pub(crate) fn traced(self, tracing: Tracing) -> Self {
        Self { tracing: Some(tracing), ..self }
    }

    /// Runs `work` in the trace of the batch, one of its own, or in the consumer's name only if no event is traced.
    pub(crate) fn in_span<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(tracing) = &self.tracing else {
            return work();
        };
        let root = remote_parent(tracing.identity, "");
        if !self.is_traced() {
            let _in_the_consumers_name = root.attach();
            return work();
        }
        let context = CallContext::open(root, || {
            info_span!(
                parent: None,
                "apply_batch",
                otel.name = tracing.names.batch,
                otel.kind = "consumer",
                "feed.position" = self.last,
                "feed.batch.size" = self.len(),
            )
        });
        mark(&context, context.in_scope(work))
    }

    fn delivered(&self) -> impl Iterator<Item = Delivered<'_>> {
        // `new` admits no event without evidence.
        self.events.iter().filter_map(|record| {
            let evidence = record.evidence.as_ref()?;
            let is_traced = self.tracing.is_some_and(|tracing| tracing.wants(evidence));
            Some(Delivered { record, evidence, is_traced })
        })
    }

    fn event_context(&self, event: &Delivered<'_>) -> Option<CallContext> {
        let tracing = self.tracing.filter(|_| event.is_traced)?;
        let evidence = event.evidence;
        let batch = Context::map_current(|cx| cx.span().span_context().clone());
        let parent = remote_request(tracing.identity, &evidence.traceparent, &evidence.request_id);
        let context = CallContext::open(parent, || {
            info_span!(
                parent: None,
                "apply_event",
                otel.name = tracing.names.event,
                otel.kind = "consumer",
                "case.id" = evidence.case_id,
                "feed.position" = evidence.position,
            )
        });
        if let Some(span) = context.span() {
            span.add_link(batch);
        }
        Some(context)
    }
}

impl Tracing {
    /// An event whose request was not traced has no trace to join.
    fn wants(&self, evidence: &Evidence) -> bool {
        evidence.position > self.above_position
            && evidence.time_unix_us >= self.since_unix_us
            && !evidence.traceparent.is_empty()
    }
}

fn mark<T, E>(context: &CallContext, done: Result<T, E>) -> Result<T, E> {
    if let (Err(_), Some(span)) = (&done, context.span()) {
        span.set_status(Status::error("not applied"));
    }
    done
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use service_kit::request::current_trace;
    use service_kit::telemetry::Sampling;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn event(position: u64) -> RecordedEvent {
        RecordedEvent { evidence: Some(Evidence { position, ..Evidence::default() }), content: None }
    }

    fn batch(positions: &[u64], after: u64) -> Result<u64, String> {
        let events = positions.iter().copied().map(event).collect();
        Batch::new(events, after).map(|batch| batch.last_position()).map_err(|halt| halt.to_string())
    }

    #[test]
    fn consecutive_events_are_a_batch() {
        assert_eq!(batch(&[1], 0), Ok(1));
        assert_eq!(batch(&[8, 9, 10], 7), Ok(10));
    }

    #[test]
    fn gaps_repeats_and_nothing_are_refused() {
        for (positions, after) in [(&[2][..], 0), (&[1, 3], 0), (&[1, 1], 0), (&[7], 7), (&[0], 0), (&[], 3)] {
            assert!(batch(positions, after).is_err(), "{positions:?} after {after}");
        }
        assert!(batch(&[9], 7).unwrap_err().contains("from position 7 to 9"));
    }

    #[test]
    fn an_event_without_evidence_is_refused() {
        assert!(Batch::new(vec![RecordedEvent::default()], 0).is_err());
    }

    #[test]
    fn each_stops_at_the_first_error() {
        let batch = Batch::new(vec![event(1), event(2), event(3)], 0).unwrap();
        let mut seen = Vec::new();
        let stopped = batch.each(|event| {
            seen.push(event.evidence.position);
            if event.evidence.position == 2 { Err("no") } else { Ok(()) }
        });
        assert_eq!((stopped, seen), (Err("no"), vec![1, 2]));
    }

    #[test]
    fn old_rebuilt_and_untraced_events_get_no_span() {
        let names = SpanNames { event: "e", batch: "b" };
        let tracing = Tracing { identity: Identity { name: "c" }, names, above_position: 5, since_unix_us: 1_000 };
        let wants = |position, time_unix_us, traceparent: &str| {
            let traceparent = traceparent.to_owned();
            tracing.wants(&Evidence { position, time_unix_us, traceparent, ..Evidence::default() })
        };
        assert!(wants(6, 1_000, "00-…"));
        assert!(!wants(5, 1_000, "00-…"));
        assert!(!wants(6, 999, "00-…"));
        assert!(!wants(6, 1_000, ""));
    }

    /// What each event of a batch sees of its trace: the span that is open, and the ids of log lines.
    fn seen(traceparents: &[&str]) -> Vec<(bool, String)> {
        let sampling = Sampling::new(Sampler::AlwaysOff);
        let provider = SdkTracerProvider::builder().with_sampler(sampling.clone()).build();
        let spans = service_kit::telemetry::spans(&provider, &sampling, "test", "0");
        let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans));
        let events = (1..).zip(traceparents).map(|(position, traceparent)| {
            let traceparent = (*traceparent).to_owned();
            RecordedEvent { evidence: Some(Evidence { position, traceparent, ..Evidence::default() }), content: None }
        });
        let names = SpanNames { event: "e", batch: "b" };
        let tracing = Tracing { identity: Identity { name: "c" }, names, above_position: 0, since_unix_us: 0 };
        let batch = Batch::new(events.collect(), 0).unwrap().traced(tracing);
        let mut seen = Vec::new();
        let look = |_: Delivered<'_>| {
            seen.push((!tracing::Span::current().is_disabled(), current_trace().trace_id));
            Ok::<(), ()>(())
        };
        batch.in_span(|| batch.each(look)).unwrap();
        seen
    }

    #[test]
    fn an_event_whose_trace_is_not_kept_opens_no_span_and_keeps_its_ids() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |flags: &str| format!("00-{trace}-00f067aa0ba902b7-{flags}");
        let kept_and_not = seen(&[&of("00"), &of("01")]);
        assert_eq!(kept_and_not, [(false, trace.to_owned()), (true, trace.to_owned())], "the second is the control");
    }
}
