//! Which traces are kept: decided once for each, before anything is opened, so that what is not kept costs no span.

use opentelemetry::Context;
use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, ShouldSample,
};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{self, Filter};

use super::is_exported;

/// The decision of a process about its traces: that of a parent, if there is one; else that of the configured sampler.
///
/// A provider of spans and the layer that feeds it have to share one: a trace that was decided upon before its first span is
/// not decided upon again.
#[derive(Debug, Clone)]
pub struct Sampling(Sampler);

/// In the context of a trace that is still without a span: it is to be kept.
#[derive(Debug, Clone, Copy)]
struct Kept;

/// What becomes of a trace.
#[derive(Debug)]
pub(super) enum Decision {
    /// It is kept: the parent of its next span.
    Kept(Context),
    /// It is not, and needs only ids: the context to work in, as a span would have made it.
    LeftOut(Context),
}

impl Sampling {
    /// `roots` decides upon traces that begin here.
    pub fn new(roots: Sampler) -> Self {
        Self(Sampler::ParentBased(Box::new(roots)))
    }

    fn keeps(&self, parent: &Context, trace_id: TraceId) -> bool {
        let decided = self.0.should_sample(Some(parent), trace_id, "", &SpanKind::Internal, &[], &[]);
        decided.decision == SamplingDecision::RecordAndSample
    }
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[opentelemetry::KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_kept_root = parent.is_some_and(|cx| !cx.has_active_span() && cx.get::<Kept>().is_some());
        let sampler = if is_kept_root { &Sampler::AlwaysOn } else { &self.0 };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Decides upon what is about to begin below `parent`.
pub(super) fn decide(parent: Context) -> Decision {
    let above = parent.span().span_context().clone();
    if above.is_valid() {
        return if above.is_sampled() { Decision::Kept(parent) } else { Decision::LeftOut(left_out(&parent)) };
    }
    let trace_id = RandomIdGenerator::default().new_trace_id();
    if dispatcher::get_default(|subscriber| keeps(subscriber, &parent, trace_id)) {
        Decision::Kept(parent.with_value(Kept))
    } else {
        Decision::LeftOut(under(&parent, trace_id, TraceState::default()))
    }
}

/// The context of what leaves no span: in the trace of `parent`, or in a new one, under a span id of its own.
pub(super) fn left_out(parent: &Context) -> Context {
    let span = parent.span();
    let above = span.span_context();
    if above.is_valid() {
        under(parent, above.trace_id(), above.trace_state().clone())
    } else {
        under(parent, RandomIdGenerator::default().new_trace_id(), TraceState::default())
    }
}

fn under(parent: &Context, trace_id: TraceId, state: TraceState) -> Context {
    let span_id = RandomIdGenerator::default().new_span_id();
    let own = SpanContext::new(trace_id, span_id, TraceFlags::default(), false, state);
    // Remote or not is what the context of the span says; this only puts it where a span would be.
    parent.with_remote_span_context(own)
}

fn keeps(subscriber: &tracing::Dispatch, parent: &Context, trace_id: TraceId) -> bool {
    subscriber.downcast_ref::<Exported>().is_some_and(|filter| filter.sampling.keeps(parent, trace_id))
}

/// Lets nothing but spans through to the exporter, and knows how traces are decided upon.
#[derive(Debug)]
pub(super) struct Exported {
    pub(super) sampling: Sampling,
}

impl<S> Filter<S> for Exported {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        is_exported(metadata)
    }

    /// Never "always": tracing would remember it, and not ask [`KeptOnly`] again.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_exported(metadata) { Interest::sometimes() } else { Interest::never() }
    }
}

/// Lets no span be opened inside a trace that is not kept: wherever `info_span!` stands, it is then as good as not there.
///
/// A layer, below the filter of the exporting one: what filters alone refuse, the registry opens all the same.
#[derive(Debug)]
pub(super) struct KeptOnly;

impl<S: Subscriber> Layer<S> for KeptOnly {
    fn enabled(&self, metadata: &Metadata<'_>, _: layer::Context<'_, S>) -> bool {
        !(metadata.is_span() && Context::map_current(is_inside_left_out))
    }
}

fn is_inside_left_out(context: &Context) -> bool {
    let span = context.span();
    let trace = span.span_context();
    trace.is_valid() && !trace.is_sampled()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::SpanId;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const TRACES: u32 = 2_000;

    fn caller(flags: TraceFlags) -> Context {
        let remote = SpanContext::new(TraceId::from(7), SpanId::from(8), flags, true, TraceState::default());
        Context::new().with_remote_span_context(remote)
    }

    /// How many of [`TRACES`] traces below `parent` are kept where `ratio` of those that begin here are.
    fn kept(ratio: f64, parent: &Context) -> u32 {
        let sampling = Sampling::new(Sampler::TraceIdRatioBased(ratio));
        let provider = SdkTracerProvider::builder().with_sampler(sampling.clone()).build();
        let spans = crate::telemetry::spans(&provider, &sampling, "case-test", "0");
        let one = || u32::from(matches!(decide(parent.clone()), Decision::Kept(_)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(spans), || {
            (0..TRACES).map(|_| one()).sum()
        })
    }

    #[test]
    fn of_traces_that_begin_here_the_ratio_is_kept() {
        assert_eq!(kept(0.0, &Context::new()), 0);
        assert_eq!(kept(1.0, &Context::new()), TRACES);
        // 200 are expected; 14 more or less are one standard deviation.
        let tenth = kept(0.1, &Context::new());
        assert!((100..300).contains(&tenth), "{tenth}");
    }

    #[test]
    fn a_parents_decision_stands_whatever_the_ratio() {
        assert_eq!(kept(0.0, &caller(TraceFlags::SAMPLED)), TRACES);
        assert_eq!(kept(1.0, &caller(TraceFlags::default())), 0);
    }

    #[test]
    fn a_root_that_is_kept_is_not_decided_upon_again_and_its_children_follow_their_parent() {
        let never = Sampling::new(Sampler::AlwaysOff);
        let decision = |parent: &Context| {
            never.should_sample(Some(parent), TraceId::from(7), "", &SpanKind::Internal, &[], &[]).decision
        };
        let granted = Context::new().with_value(Kept);
        assert_eq!(decision(&granted), SamplingDecision::RecordAndSample);
        assert_eq!(decision(&Context::new()), SamplingDecision::Drop, "control: the sampler keeps none");
        let left_out = caller(TraceFlags::default()).with_value(Kept);
        assert_eq!(decision(&left_out), SamplingDecision::Drop, "a parent counts for more");
    }

    #[test]
    fn what_is_left_out_keeps_its_trace_and_has_a_span_id_of_its_own() {
        let Decision::LeftOut(context) = decide(caller(TraceFlags::default())) else { panic!("kept") };
        let span = context.span();
        assert_eq!(span.span_context().trace_id(), TraceId::from(7));
        assert!(span.span_context().is_valid() && span.span_context().span_id() != SpanId::from(8));
    }
}
