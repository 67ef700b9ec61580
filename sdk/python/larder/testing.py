# sdk/python/larder/testing.py -- a pytest plugin: a kernel in memory, on time that tests move.
#
#     pytest_plugins = ["larder.testing"]
#
#     @pytest.mark.larder(policy="hotel.larder")
#     def test_a_user_is_forgotten_after_three_minutes(larder_kernel):
#         larder_kernel.put("user_details", "7", {"name": "Ann"})
#         larder_kernel.advance(180)
#         assert larder_kernel.get("user_details", "7") is None
#
# Stores that the policy names and the test has not sleep; `l2` is memory too. The kernel is the one of decorators that name none.
import pytest

from . import functions
from .kernel import Kernel

CONFIG = ('[store.l1]\nplugin = "memory"\n[store.l2]\nplugin = "memory"\n'
          '[admin]\nenabled = false\n[log]\nlevel = "error"\n')


def memory_kernel(policy=None, policy_text=None, **how):
    """A kernel of two memory stores on virtual time, for any test framework."""
    how = {"config_text": CONFIG, "virtual_time": True, "allow_missing": True, **how}
    return Kernel(policy, policy_text=policy_text, **how)


def pytest_configure(config):
    config.addinivalue_line("markers", "larder(policy=None, policy_text=None, **how): the kernel that larder_kernel opens")


@pytest.fixture
def larder_kernel(request):
    marker = request.node.get_closest_marker("larder")
    if marker is None:
        raise pytest.UsageError("larder_kernel needs @pytest.mark.larder(policy=...) or policy_text=...")
    before = functions._default
    with memory_kernel(*marker.args, **marker.kwargs) as kernel:
        yield functions.use(kernel)
    functions.use(before)
