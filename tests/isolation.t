#!/usr/bin/perl
#
# isolation.t
#		Runs tests/isolation/schedule with pg_isolation_regress against a cluster of its own, one TAP line a spec.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(abs_path(__FILE__)) . '/lib';
use Boxoffice::PgRegress qw(run_schedule);

run_schedule('isolation');
