//! Where work for the processor runs: beside the threads that serve the network, no more at once than there are cores.

use futures_util::future::join_all;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A bound on how much runs at once. Clones share it.
#[derive(Clone, Debug)]
pub struct Pool {
    permits: Arc<Semaphore>,
    size: usize,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobFault {
    /// It panicked.
    #[error("the job panicked")]
    Panicked,
    /// The runtime is shutting down; the job has not run.
    #[error("the runtime is shutting down")]
    Stopped,
}

impl Default for Pool {
    /// One job for each core that this process may use.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }
}

impl Pool {
    /// At most so many jobs at once.
    pub fn new(jobs: NonZero<usize>) -> Self {
        let size = jobs.get().min(Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(size)), size }
    }

    /// Runs one job when it is its turn. A job that has begun is not stopped when nobody waits for it any longer, and keeps
    /// its place until it ends.
    ///
    /// # Errors
    /// See [`JobFault`].
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, JobFault> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| JobFault::Stopped)?;
        let running = spawn_blocking(move || {
            let _until_it_ends = permit;
            job()
        });
        running.await.map_err(|fault| if fault.is_panic() { JobFault::Panicked } else { JobFault::Stopped })
    }

    /// Runs jobs side by side; results are in the order of the jobs, whichever ends first. A place goes from one job straight to the
    /// next: while the threads of the network handed it on, a core would have nothing to do.
    pub async fn run_all<T, J>(&self, jobs: Vec<J>) -> Vec<Result<T, JobFault>>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        let mut results: Vec<_> = jobs.iter().map(|_| Err(JobFault::Stopped)).collect();
        let places = self.size.min(jobs.len());
        let left = Arc::new(Mutex::new(jobs.into_iter().enumerate()));
        let work = |_| {
            let left = Arc::clone(&left);
            self.run(move || {
                let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
                let done = |(place, job): (usize, J)| (place, catch_unwind(AssertUnwindSafe(job)));
                std::iter::from_fn(next).map(done).collect::<Vec<_>>()
            })
        };
        let done = join_all((0..places).map(work)).await;
        for (place, result) in done.into_iter().flatten().flatten() {
            if let Some(slot) = results.get_mut(place) {
                *slot = result.map_err(|_| JobFault::Panicked);
            }
        }
        results
    }
}
