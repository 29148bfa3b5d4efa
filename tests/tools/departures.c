/* The departures of a queue with several servers, first come first served: what is left of a
   simulation once everything but the queue is taken away. The algorithm of the R package
   queuecomputer, `qloop_numeric` in its src/loops.cpp
   (https://github.com/AnthonyEbert/queuecomputer): each customer takes the server that is free
   first, which a scan over all of them finds. Ours leaves out R's checks for missing values and
   for interrupts, so that it is no slower.

   arrival_s, work_s, departure_s, server: [customers]. free_s: [servers], all 0 at the beginning.
*/
#include <stdint.h>

void departures(int64_t customers, int64_t servers, const double *arrival_s, const double *work_s,
                double *free_s, double *departure_s, int *server)
{
    for (int64_t i = 0; i < customers; i++) {
        int64_t first = 0;
        for (int64_t s = 1; s < servers; s++)
            if (free_s[s] < free_s[first])
                first = s;
        double start_s = arrival_s[i] > free_s[first] ? arrival_s[i] : free_s[first];
        free_s[first] = departure_s[i] = start_s + work_s[i];
        server[i] = (int)first;
    }
}
