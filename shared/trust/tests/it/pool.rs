//! The pool: bounded, in order, and unharmed by a job that panics.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use trust::{JobFault, Pool};

fn pool(jobs: usize) -> Pool {
    Pool::new(NonZero::new(jobs).unwrap())
}

#[tokio::test]
async fn results_are_in_the_order_of_the_jobs() {
    let jobs: Vec<_> = (0..40_u64)
        .map(|n| {
            move || {
                std::thread::sleep(Duration::from_millis((40 - n) % 7));
                n
            }
        })
        .collect();
    let results: Result<Vec<_>, _> = pool(4).run_all(jobs).await.into_iter().collect();
    assert_eq!(results, Ok((0..40).collect()));
}

#[tokio::test]
async fn no_more_run_at_once_than_allowed() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let pool = pool(3);
    let job = || {
        let (running, most) = (running.clone(), most.clone());
        move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(10));
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let (one, other) = (pool.clone(), pool.clone());
    let jobs = || (0..12).map(|_| job()).collect::<Vec<_>>();
    let (a, b) = tokio::join!(one.run_all(jobs()), other.run_all(jobs()));
    assert!(a.iter().chain(&b).all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn one_panic_is_one_fault() {
    let pool = pool(1);
    let job = |n: i32| move || if n == 1 { panic!("the second") } else { n };
    assert_eq!(pool.run_all(vec![job(0), job(1), job(2)]).await, [Ok(0), Err(JobFault::Panicked), Ok(2)]);
    assert_eq!(pool.run(job(3)).await, Ok(3), "its place is free again");
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_keeps_its_place() {
    let pool = pool(1);
    let ended = Arc::new(AtomicUsize::new(0));
    let slow = ended.clone();
    let job = pool.run(move || {
        std::thread::sleep(Duration::from_millis(100));
        slow.store(1, Ordering::SeqCst);
    });
    assert!(tokio::time::timeout(Duration::from_millis(20), job).await.is_err());
    assert_eq!(pool.run(move || ended.load(Ordering::SeqCst)).await, Ok(1));
}

#[test]
fn a_job_after_the_end_is_said_to_be_stopped() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let pool = pool(1);
    let mut job = Box::pin(pool.run(|| ()));
    let mut context = Context::from_waker(Waker::noop());
    let result = {
        let _inside = handle.enter();
        job.as_mut().poll(&mut context)
    };
    assert_eq!(result, Poll::Ready(Err(JobFault::Stopped)));
}
