//! A channel to a dependency, under its policy.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Status};
use tower_service::Service;

use super::breaker::{Breaker, Permit};
use super::context::ContextInterceptor;
use super::end::{End, Failed, end_of};
use super::errand::Errand;
use super::failure::{CallError, Cause};
use super::observed::Observed;
use super::policy::{Policy, Shape};
use super::report::{self, DependencyMetrics};
use super::retry::Repeater;
use super::timed::{Lost, Timed};
use crate::diagnostics::DependencyReport;

/// One attempt. The client span is the outer part, so that the interceptor, inside it, injects that span's context.
pub(super) type Attempt = Observed<InterceptedService<Timed, ContextInterceptor>>;

/// A channel to another service. Cheap to clone; generated clients take it as they take a tonic channel.
///
/// A call fails with a [`Status`] that can be handed on to the caller of ours; [`CallError::of`] tells whether a dependency
/// failed, and how.
#[derive(Debug, Clone)]
pub struct Outgoing {
    attempt: Attempt,
    dependency: Arc<Dependency>,
}

/// What all clones of a channel share.
pub(super) struct Dependency {
    pub(super) policy: &'static Policy,
    pub(super) address: String,
    pub(super) breaker: Breaker,
    /// None where the policy wants no further attempts.
    pub(super) repeater: Option<Repeater>,
    pub(super) metrics: DependencyMetrics,
    /// For diagnostics; empty before the first.
    pub(super) last_failure: Mutex<String>,
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, address, breaker, .. } = self;
        f.debug_struct("Dependency")
            .field("name", &policy.name)
            .field("address", address)
            .field("breaker", breaker)
            .finish()
    }
}

impl Outgoing {
    pub(super) fn new(attempt: Attempt, dependency: Dependency) -> Self {
        Self { attempt, dependency: Arc::new(dependency) }
    }

    /// What operators are told about the dependency.
    pub fn report(&self) -> DependencyReport {
        DependencyReport {
            name: self.dependency.policy.name.to_owned(),
            address: self.dependency.address.clone(),
            breaker: self.dependency.breaker.state(),
            last_failure: self.dependency.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    async fn carry_out(mut self, errand: Errand, request: Request<Body>) -> Result<Response<Body>, Status> {
        if errand.left() == Some(Duration::ZERO) {
            return Err(self.fail(&errand, Failed::not_asked(Cause::DeadlinePassed)));
        }
        let permit = self.dependency.breaker.admit().map_err(|open| {
            let failed = Failed::not_asked(Cause::CircuitOpen { retry_after: open.retry_after });
            let reason = self.report().last_failure;
            self.fail(&errand, Failed { reason, ..failed })
        })?;
        let dependency = Arc::clone(&self.dependency);
        let repeater = match errand.shape {
            Shape::Repeatable => dependency.repeater.as_ref(),
            Shape::Once | Shape::Stream => None,
        };
        let (attempts, last) = match repeater {
            Some(repeater) => self.repeat(&errand, repeater, request).await?,
            None => (1, self.attempt(&errand, request).await),
        };
        match end_of(last, attempts, &errand) {
            End::Answer(response) => {
                permit.succeeded();
                Ok(response)
            }
            End::Failure(failed) => {
                self.settle(permit, &failed, &errand);
                Err(self.fail(&errand, failed))
            }
        }
    }

    async fn attempt(&mut self, errand: &Errand, mut request: Request<Body>) -> Result<Response<Body>, Lost> {
        request.extensions_mut().insert(errand.clone());
        // Every part of it is always ready: waiting for the connection is part of the attempt.
        self.attempt.call(request).await
    }

    /// Attempts until one succeeds, fails for good, or must be the last. Answers how many there were, and the last one.
    async fn repeat(
        &mut self,
        errand: &Errand,
        repeater: &Repeater,
        request: Request<Body>,
    ) -> Result<(u32, Result<Response<Body>, Lost>), Status> {
        let (head, body) = request.into_parts();
        // One message, already in memory. An error is its encoder's: nothing was sent.
        let body = body.collect().await?.to_bytes();
        let (mut attempts, mut count) = (repeater.begin(), 1);
        loop {
            let same = Request::from_parts(head.clone(), Body::new(Full::new(body.clone()).map_err(never)));
            let attempt = self.attempt(errand, same).await;
            let Some(wait) = attempts.wait_after(&attempt, errand.left()) else { return Ok((count, attempt)) };
            tokio::time::sleep(wait).await;
            self.dependency.metrics.retried();
            count += 1;
        }
    }

    /// Tells the breaker what a failed call says about the dependency.
    fn settle(&self, permit: Permit, failed: &Failed, errand: &Errand) {
        match failed.cause {
            Cause::TimedOut { .. } | Cause::Unreachable | Cause::Failed => permit.failed(),
            Cause::Denied | Cause::TooLarge => permit.succeeded(),
            Cause::DeadlinePassed => {
                if self.dependency.policy.counts(errand.begun.elapsed()) {
                    permit.failed();
                }
            }
            // It has no permit.
            Cause::CircuitOpen { .. } => {}
        }
    }

    /// The one place where a failed call is counted, remembered and logged.
    fn fail(&self, errand: &Errand, failed: Failed) -> Status {
        let error = CallError {
            dependency: self.dependency.policy.name,
            operation: Arc::clone(&errand.operation),
            cause: failed.cause,
            code: failed.code,
            reason: failed.reason,
            spent: errand.begun.elapsed(),
            attempts: failed.attempts,
            source: failed.source,
        };
        if error.attempts > 0 {
            let text = if error.reason.is_empty() { error.to_string() } else { format!("{error}: {}", error.reason) };
            *self.dependency.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = text;
            if error.code == Code::DeadlineExceeded {
                self.dependency.metrics.timed_out();
            }
        }
        report::log(self.dependency.policy, &error);
        error.into_status(&errand.request_id)
    }
}

impl Service<Request<Body>> for Outgoing {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Waiting is part of a call, whose time is limited.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let errand = Errand::begin(self.dependency.policy, &request);
        Box::pin(self.clone().carry_out(errand, request))
    }
}

fn never(never: Infallible) -> Status {
    match never {}
}
