//! The fleet as processes, two for each worker that messages go through: whoever dies is started again at once, as a container is.

use crate::plan::ON_THE_WAY;
use e2e::{Fleet, Program, WORKERS};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Who ended by himself, such as for want of a database when he started, is started again after so long.
const AGAIN: Duration = Duration::from_millis(300);

/// Every worker.
pub(crate) struct Crew {
    members: Vec<Arc<Member>>,
    supervisors: JoinSet<()>,
    stop: CancellationToken,
    turn: AtomicUsize,
}

struct Member {
    name: &'static str,
    /// Of its process; 0 while there is none.
    pid: AtomicU32,
    /// Where the next process dies.
    point: Mutex<Option<&'static str>>,
    launched: AtomicUsize,
    died: AtomicUsize,
    gave_up: AtomicUsize,
}

impl Crew {
    /// Starts everybody, and waits until all are ready.
    pub(crate) async fn start(fleet: &Arc<Fleet>) -> Self {
        let stop = CancellationToken::new();
        let (mut members, mut supervisors) = (Vec::new(), JoinSet::new());
        let twice = WORKERS.into_iter().filter(|worker| ON_THE_WAY.contains(&worker.name));
        for worker in WORKERS.into_iter().chain(twice) {
            let program = fleet.spawn_self(worker.name).await;
            let member = Arc::new(Member {
                name: worker.name,
                pid: AtomicU32::new(0),
                point: Mutex::new(None),
                launched: AtomicUsize::new(1),
                died: AtomicUsize::new(0),
                gave_up: AtomicUsize::new(0),
            });
            supervisors.spawn(supervise(Arc::clone(fleet), Arc::clone(&member), program, stop.clone()));
            members.push(member);
        }
        Self { members, supervisors, stop, turn: AtomicUsize::new(0) }
    }

    /// `kill -9` of a process of a worker.
    pub(crate) async fn kill(&self, name: &str) {
        self.member(name).kill().await;
    }

    /// `kill -9`, and what is started next dies at a point. Waits until it has; whether it did in time.
    pub(crate) async fn kill_at(&self, name: &str, point: &'static str, patience: Duration) -> bool {
        let member = self.member(name);
        *member.point.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
        let before = member.died.load(Ordering::SeqCst);
        member.kill().await;
        let died = async {
            while member.died.load(Ordering::SeqCst) < before + 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(patience, died).await.is_ok()
    }

    /// Processes that were started.
    pub(crate) fn launched(&self) -> usize {
        self.members.iter().map(|member| member.launched.load(Ordering::SeqCst)).sum()
    }

    /// Processes that were killed, or died at a point.
    pub(crate) fn died(&self) -> usize {
        self.members.iter().map(|member| member.died.load(Ordering::SeqCst)).sum()
    }

    /// Processes that ended by themselves.
    pub(crate) fn gave_up(&self) -> usize {
        self.members.iter().map(|member| member.gave_up.load(Ordering::SeqCst)).sum()
    }

    /// Asks all to stop, and waits.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.supervisors.join_next().await {
            ended.expect("a supervisor does not panic");
        }
    }

    /// Of two it is now the one's turn, then the other's.
    fn member(&self, name: &str) -> &Member {
        let all: Vec<_> = self.members.iter().filter(|member| member.name == name).collect();
        all[self.turn.fetch_add(1, Ordering::SeqCst) % all.len()]
    }
}

impl Member {
    /// Waits until there is a process to kill.
    async fn kill(&self) {
        loop {
            match self.pid.swap(0, Ordering::SeqCst) {
                0 => tokio::time::sleep(Duration::from_millis(10)).await,
                pid => {
                    let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"$1\"", "kill", &pid.to_string()]).status().await;
                    return;
                }
            }
        }
    }
}

/// Which point it was to die at; a process that gave up before has not.
fn next_point(member: &Member, last: Option<&'static str>, gave_up: bool) -> Option<&'static str> {
    let asked = member.point.lock().unwrap_or_else(PoisonError::into_inner).take();
    asked.or(last.filter(|_| gave_up))
}

async fn supervise(fleet: Arc<Fleet>, member: Arc<Member>, mut program: Program, stop: CancellationToken) {
    let mut point = None;
    loop {
        let mut gave_up = false;
        member.pid.store(program.pid().unwrap_or_default(), Ordering::SeqCst);
        tokio::select! {
            status = program.ended() => {
                member.pid.store(0, Ordering::SeqCst);
                if status.signal().is_some() {
                    member.died.fetch_add(1, Ordering::SeqCst);
                } else {
                    gave_up = true;
                    member.gave_up.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(AGAIN).await;
                }
            }
            () = stop.cancelled() => {
                // Before, it would not hear of it.
                program.ready().await;
                let (status, _) = program.terminate().await;
                assert_eq!(status.code(), Some(0), "{} stops when it is asked to", member.name);
                return;
            }
        }
        point = next_point(&member, point, gave_up);
        let die: Vec<&str> = point.into_iter().flat_map(|point| ["--die", point]).collect();
        program = fleet.launch_self(member.name, &die);
        member.launched.fetch_add(1, Ordering::SeqCst);
    }
}
