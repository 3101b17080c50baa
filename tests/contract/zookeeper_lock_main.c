/* The lock's contract over a real ZooKeeper: tests/engines/test_cluster.py starts one and says
 * where. */

#include "cluster/zookeeper_lock.h"
#include "lock_contract.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    if (count != 2) {
        (void) fprintf(stderr, "usage: %s zookeeper://HOST:PORT\n", arguments[0]);
        return 64;
    }
    const struct lock_contract contract = {
        .ops = &zookeeper_lock_ops,
        .url = arguments[1],
        .wrong_url = "zookeeper://nowhere",
    };
    return lock_contract(&contract);
}
