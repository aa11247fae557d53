//! Where work happens: in a span, or, where its trace is not kept, only under its ids.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;
use tracing::Span;
use tracing::span::EnteredSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::sampling::{Decision, decide, left_out};

/// What a call, an event or a batch belongs to: log lines, errors, stored events and outgoing calls inside it carry its ids,
/// whether its trace is kept or not.
#[derive(Debug, Clone)]
pub enum CallContext {
    /// Its trace is kept: it has a span.
    Traced(Span),
    /// Its trace is not kept: it has ids and nothing else, and no `info_span!` inside it opens anything.
    Untraced(Context),
}

/// Inside, until it is dropped.
#[derive(Debug)]
#[must_use = "left at once if it is not kept"]
#[expect(dead_code, reason = "held, never read")]
pub struct Inside(Held);

#[derive(Debug)]
#[expect(dead_code, reason = "held, never read")]
enum Held {
    Span(EnteredSpan),
    Context(ContextGuard),
}

impl CallContext {
    /// Decides whether the trace of `parent` is kept, or, if it has none, whether the one that begins here is; opens `span` as
    /// its child only if so.
    pub fn open(parent: Context, span: impl FnOnce() -> Span) -> Self {
        match decide(parent) {
            Decision::Kept(parent) => {
                // Attached: around here may be a trace that is not kept.
                let span = {
                    let _of_the_parent = parent.clone().attach();
                    span()
                };
                // Without a tracing layer there is nothing that could have a parent.
                let _ = span.set_parent(parent);
                Self::Traced(span)
            }
            Decision::LeftOut(context) => Self::Untraced(context),
        }
    }

    /// Of what leaves no span even if the trace of `parent` is kept.
    pub(crate) fn without_span(parent: &Context) -> Self {
        Self::Untraced(left_out(parent))
    }

    /// Where the present work happens.
    pub fn current() -> Self {
        Self::Untraced(Context::current())
    }

    /// The span, if there is one.
    pub const fn span(&self) -> Option<&Span> {
        match self {
            Self::Traced(span) => Some(span),
            Self::Untraced(_) => None,
        }
    }

    /// Goes inside.
    pub fn enter(&self) -> Inside {
        Inside(match self {
            Self::Traced(span) => Held::Span(span.clone().entered()),
            Self::Untraced(context) => Held::Context(context.clone().attach()),
        })
    }

    /// Runs `work` inside.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.enter();
        work()
    }

    /// Runs all of `work` inside, up to its end or until it is dropped.
    pub const fn run<F: Future>(self, work: F) -> InContext<F> {
        InContext { work: Some(work), context: self }
    }
}

/// Has `work` happen where the present work does, wherever it is spawned: its log lines and outgoing calls carry the same ids.
pub fn in_call_context<F: Future>(work: F) -> InContext<F> {
    CallContext::current().run(work)
}

pin_project! {
    /// Work inside a [`CallContext`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct InContext<F> {
        // None once it is over.
        #[pin]
        work: Option<F>,
        context: CallContext,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.work.is_some() {
                let _inside = this.context.enter();
                this.work.set(None);
            }
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _inside = this.context.enter();
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            // Nobody asks again for an answer that was given.
            return Poll::Pending;
        };
        let done = ready!(work.poll(cx));
        this.work.set(None);
        Poll::Ready(done)
    }
}
