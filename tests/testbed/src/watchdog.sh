# Runs as `sh -c` beside the servers of one directory; standard input is a pipe whose other end the test process holds.
# The pipe ends however that process ends: then the servers are killed and the directory is removed.
dir=$1
trap '' HUP INT TERM

while read -r _; do :; done

# A dead process that nobody has waited for yet still answers to signals: look at its state instead.
alive() {
    read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" && [ "$state" != Z ]
}

for file in "$dir"/*.pid; do
    [ -s "$file" ] || continue
    read -r pid <"$file"
    case $file in
    # SIGKILL would leave Postgres's shared memory behind.
    */postgres.pid) kill -s QUIT "$pid" ;;
    *) kill -s KILL -- "-$pid" ;;
    esac
    tries=0
    while alive "$pid" && [ $tries -lt 60 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -s KILL -- "-$pid"
done 2>/dev/null

tries=0
until rm -rf "$dir" 2>/dev/null || [ $tries -ge 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
